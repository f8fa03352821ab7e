/** A seeded stream of random numbers from 0 up to 1 (mulberry32), so that a failing run can be repeated. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of this run: KOMBU_TEST_SEED, or a new one; said on stderr. */
export function seedOfRun(what: string): number {
  const seed = Number(process.env.KOMBU_TEST_SEED ?? Date.now() % 2 ** 31);
  process.stderr.write(`${what}: KOMBU_TEST_SEED=${seed}\n`);
  return seed;
}

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x2e, 0x28, 0x5b, 0x7b, 0x22];

/** A body that is a valid one with a few bytes changed, cut, doubled or put in, or one of random bytes altogether. */
export function mutate(random: () => number, valid: readonly Buffer[]): Buffer {
  const below = (n: number): number => Math.floor(random() * n);
  const byte = (): number => (random() < 0.3 ? (INTERESTING[below(INTERESTING.length)] as number) : below(256));
  if (random() < 0.05) return Buffer.from(Array.from({ length: below(64) }, byte));
  let body = Buffer.from(valid[below(valid.length)] as Buffer);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(body.length + 1);
    const kind = random();
    if (kind < 0.5 && at < body.length) body[at] = byte();
    else if (kind < 0.6 && at < body.length) body[at] = (body[at] as number) ^ (1 << below(8));
    else if (kind < 0.75) body = Buffer.concat([body.subarray(0, at), body.subarray(at + 1 + below(8))]);
    else if (kind < 0.85)
      body = Buffer.concat([body.subarray(0, at), Buffer.from([byte(), byte()]), body.subarray(at)]);
    else if (kind < 0.95) body = Buffer.concat([body.subarray(0, at), body.subarray(below(at + 1))]);
    else body = body.subarray(0, at);
  }
  return body;
}

/** What a fuzzed decoder may do: return, or throw a typed error; quickly. */
export interface FuzzReport {
  readonly decoded: number;
  readonly refused: number;
  readonly longestMs: number;
}

/** Feeds `cases` mutated bodies to a decoder. Throws at the first that ends in an error for which `isTyped` says no. */
export async function fuzz(
  cases: number,
  random: () => number,
  valid: readonly Buffer[],
  decode: (body: Buffer) => unknown,
  isTyped: (error: unknown) => boolean,
): Promise<FuzzReport> {
  let decoded = 0;
  let refused = 0;
  let longestMs = 0;
  for (let i = 0; i < cases; i++) {
    const body = mutate(random, valid);
    const started = performance.now();
    try {
      const result = decode(body);
      if (result instanceof Promise) await result;
      decoded++;
    } catch (error) {
      if (!isTyped(error)) throw new Error(`case ${i}, body ${body.toString('hex')}`, { cause: error });
      refused++;
    }
    longestMs = Math.max(longestMs, performance.now() - started);
  }
  return { decoded, refused, longestMs };
}

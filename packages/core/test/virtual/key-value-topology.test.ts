import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeKeyPart, encodeKeyPart } from '../../src/virtual/key-value-store.js';
import { createKeyValueTopology, type KeyValueTopology } from '../../src/virtual/key-value-topology.js';
import { createLocalTopology } from '../../src/virtual/local-topology.js';
import type { BindingRecord, ExchangeRecord, QueueRecord, TopologyStore } from '../../src/virtual/topology-store.js';
import { MemoryKeys } from './support/memory-keys.js';

const exchange = (name: string, type = 'topic'): ExchangeRecord => ({
  name,
  type,
  durable: true,
  autoDelete: false,
  arguments: {},
});
const queue = (name: string, args: QueueRecord['arguments'] = {}): QueueRecord => ({
  name,
  durable: true,
  exclusive: false,
  autoDelete: false,
  arguments: args,
});
const binding = (
  from: string,
  to: string,
  key = '',
  type: BindingRecord['destinationType'] = 'queue',
): BindingRecord => ({
  exchange: from,
  destination: to,
  destinationType: type,
  routingKey: key,
  arguments: {},
});

function open(keys = new MemoryKeys()): { keys: MemoryKeys; topology: KeyValueTopology } {
  return { keys, topology: createKeyValueTopology(keys.open(), { prefix: 'k/' }) };
}

/** What a topology says of a few names, without versions. */
async function snapshot(
  topology: TopologyStore,
  exchanges: readonly string[],
  queues: readonly string[],
): Promise<unknown> {
  const tables: unknown[] = [];
  for (const name of exchanges) {
    const table = await topology.loadExchange(name);
    const rows = table?.bindings.map((b) =>
      JSON.stringify([b.destinationType, b.destination, b.routingKey, b.arguments]),
    );
    tables.push(table === undefined ? name : [name, table.record, rows?.sort()]);
  }
  for (const name of queues) tables.push(await topology.loadQueue(name));
  return tables;
}

/** Every binding is known to its destination, so that dropping that finds it; and nothing leads to what is not there. */
function checkDocuments(keys: MemoryKeys): void {
  type Doc = { record?: unknown; bindings?: [string, string, string][]; sources?: string[] };
  for (const [key, { value }] of keys.entries) {
    if (!key.startsWith('k/exchanges/')) continue;
    const name = decodeKeyPart(key.slice('k/exchanges/'.length)) ?? '';
    for (const [type, destination] of (JSON.parse(value) as Doc).bindings ?? []) {
      const at = `k/${type === 'q' ? 'queues' : 'exchanges'}/${encodeKeyPart(destination)}`;
      expect((keys.json(at) as Doc | undefined)?.sources ?? [`nothing at ${at}`]).toContain(name);
    }
  }
}

const EXCHANGES = ['x0', 'x1', 'x2'];
const QUEUES = ['q0', 'q1', 'q2'];

type Act = (topology: TopologyStore) => Promise<unknown>;
const bindings = fc
  .record({
    from: fc.constantFrom(...EXCHANGES),
    to: fc.nat(2),
    type: fc.constantFrom('queue' as const, 'exchange' as const),
    key: fc.constantFrom('', 'a', 'b.#'),
    args: fc.constantFrom({}, { 'x-match': 'all', n: 1 }),
  })
  .map(({ from, to, type, key, args }) => ({
    ...binding(from, (type === 'queue' ? QUEUES : EXCHANGES)[to] ?? '', key, type),
    arguments: args,
  }));
const acts: fc.Arbitrary<[string, Act]> = fc.oneof(
  { weight: 4, arbitrary: bindings.map((b): [string, Act] => [`bind ${JSON.stringify(b)}`, (t) => t.bind(b)]) },
  { weight: 2, arbitrary: bindings.map((b): [string, Act] => [`unbind ${JSON.stringify(b)}`, (t) => t.unbind(b)]) },
  fc.constantFrom(...EXCHANGES).map((x): [string, Act] => [`save ${x}`, (t) => t.saveExchange(exchange(x))]),
  fc.constantFrom(...QUEUES).map((q): [string, Act] => [`save ${q}`, (t) => t.saveQueue(queue(q))]),
  fc.constantFrom(...EXCHANGES).map((x): [string, Act] => [`drop ${x}`, (t) => t.dropExchange(x)]),
  fc.constantFrom(...QUEUES).map((q): [string, Act] => [`drop ${q}`, (t) => t.dropQueue(q)]),
);

describe('declarations in a store of keys', () => {
  it('are what declarations of one process are, one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { maxLength: 25 }), fc.constantFrom(3, 10), async (steps, maxSteps) => {
        const { keys, topology } = open(new MemoryKeys(maxSteps));
        const local = createLocalTopology();
        for (const [name, act] of steps) {
          const [mine, theirs] = [await act(topology), await act(local)];
          if (name.startsWith('drop')) expect([...(mine as string[])].sort()).toEqual([...(theirs as string[])].sort());
          checkDocuments(keys);
        }
        expect(await snapshot(topology, EXCHANGES, QUEUES)).toEqual(await snapshot(local, EXCHANGES, QUEUES));
      }),
      { numRuns: 150 },
    );
  });

  it('stay whole when several processes change them at once', async () => {
    const refused = { count: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(acts, { maxLength: 6 }), { minLength: 3, maxLength: 3 }),
        async (processes) => {
          const keys = new MemoryKeys(3);
          await Promise.all(
            processes.map(async (steps) => {
              const { topology } = open(keys);
              for (const [, act] of steps) {
                await act(topology).catch((error: unknown) =>
                  expect(error).toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' }),
                );
              }
            }),
          );
          refused.count += keys.refused;
          checkDocuments(keys);
          const { topology } = open(keys);
          for (const name of QUEUES) await topology.dropQueue(name);
          for (const name of EXCHANGES) await topology.dropExchange(name);
          expect([...keys.entries.keys()]).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
    expect(refused.count).toBeGreaterThan(0);
  });

  it('binds nothing to a queue that goes away meanwhile', async () => {
    const { keys, topology } = open();
    const other = open(keys).topology;
    await topology.saveExchange(exchange('x'));
    await topology.saveQueue(queue('q'));
    keys.beforeCommit = async () => {
      keys.beforeCommit = async () => {};
      await other.dropQueue('q');
    };
    await expect(topology.bind(binding('x', 'q'))).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
    expect((await topology.loadExchange('x'))?.bindings).toEqual([]);
    expect(keys.json('k/queues/q')).toBeUndefined();
  });

  it('asks for nothing but what is concerned, and writes nothing that is there already', async () => {
    const { keys, topology } = open();
    await topology.saveExchange(exchange('x'));
    for (let i = 0; i < 50; i++) {
      await topology.saveExchange(exchange(`other ${i}`));
      await topology.saveQueue(queue(`other ${i}`));
    }
    await topology.saveQueue(queue('q'));
    await topology.bind(binding('x', 'q', 'a'));
    const { commits } = keys;
    await topology.bind(binding('x', 'q', 'a'));
    await topology.saveQueue(queue('q'));
    await topology.saveExchange(exchange('x'));
    expect(keys.commits).toBe(commits);
    keys.reads = 0;
    expect(await topology.dropQueue('q')).toEqual(['x']);
    expect(keys.reads).toBe(2);
    expect(keys.commits).toBe(commits + 1);
  });

  it('have a version for each routing table, which a put can compare', async () => {
    const { keys, topology } = open();
    await topology.saveExchange(exchange('x'));
    const table = await topology.loadExchange('x');
    expect(table?.version).toBe(keys.entries.get(topology.exchangeKey('x'))?.version);
    const check = [{ exchange: 'x', version: table?.version }];
    expect(await topology.stale(check)).toEqual([]);
    await topology.bind(binding('x', 'q', 'a'));
    const [changed] = await topology.stale(check);
    expect(changed?.bindings).toEqual([binding('x', 'q', 'a')]);
    expect(changed?.version).not.toBe(table?.version);
    await topology.dropExchange('x');
    expect(await topology.stale(check)).toMatchObject([{ name: 'x', record: undefined, bindings: [] }]);
  });

  it('tell whoever listens that a queue is gone, and nobody of a binding', async () => {
    const { keys, topology } = open();
    const gone: string[] = [];
    const stop = open(keys).topology.onQueueDropped?.((name) => gone.push(name));
    await topology.bind(binding('x', 'a/b ü', 'k'));
    await topology.unbind(binding('x', 'a/b ü', 'k'));
    expect(gone).toEqual([]);
    await topology.dropQueue('a/b ü');
    expect(gone).toEqual(['a/b ü']);
    stop?.();
    await topology.saveQueue(queue('c'));
    await topology.dropQueue('c');
    expect(gone).toEqual(['a/b ü']);
  });

  it('give up when others keep coming between, and when the caller does', async () => {
    let now = 0;
    const clock = {
      now: () => now,
      monotonic: () => now,
      after: (ms: number, fn: () => void) => {
        now += ms + 50;
        setImmediate(fn);
        return () => {};
      },
    };
    const keys = new MemoryKeys();
    const store = keys.open();
    const topology = createKeyValueTopology({ ...store, commit: async () => false }, { prefix: 'k/', clock });
    await expect(topology.saveQueue(queue('q'))).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
    const signal = AbortSignal.abort();
    await expect(topology.saveQueue(queue('q'), { signal })).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
  });

  it('name the key that holds something else', async () => {
    const { keys, topology } = open();
    for (const value of ['no json', '[]', '7', '{"bindings":[["q","a"]]}']) {
      keys.entries.set('k/exchanges/x', { value, version: '7' });
      await expect(topology.loadExchange('x')).rejects.toMatchObject({
        code: 'ERR_KOMBU_INCONSISTENT',
        message: expect.stringContaining("'k/exchanges/x'"),
      });
    }
  });

  it('keep arguments of every kind, and no prototype is changed by them', async () => {
    const { topology } = open();
    const args = JSON.parse('{"__proto__": {"polluted": 1}, "n": 1.5, "list": [1, "ü", null, true]}');
    await topology.saveQueue(queue('q', { ...args, big: 12n }));
    const stored = await topology.loadQueue('q');
    expect(stored?.arguments).toMatchObject({ n: 1.5, list: [1, 'ü', null, true], big: 12 });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('parts of keys', () => {
  it('hold any name, each another, in characters that every store takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
        const part = encodeKeyPart(name);
        expect(part).toMatch(/^[A-Za-z0-9_%-][A-Za-z0-9_.%-]*$/);
        expect(decodeKeyPart(part)).toBe(name);
      }),
    );
    expect(encodeKeyPart('..')).toBe('%2E.');
    expect(encodeKeyPart('a/b')).toBe('a%2Fb');
    expect(decodeKeyPart('a%2fb')).toBeUndefined();
    expect(decodeKeyPart('%zz')).toBeUndefined();
  });
});

/** How much the repeating cases repeat. */
export interface Scale {
  /** Child processes that are killed while they consume. */
  readonly kills: number;
  /** Receives that are aborted at random moments. */
  readonly aborts: number;
  /** Connect and close cycles. */
  readonly cycles: number;
  /** Times that the broker is restarted under load. */
  readonly restarts: number;
  /** Times that connections are cut under load. */
  readonly cuts: number;
  /** How often the whole suite runs at the same time, beside the ordinary run; 0: not. */
  readonly stress: number;
  /** Where random moments come from. */
  readonly seed: number;
}

function numberFrom(env: Readonly<Record<string, string | undefined>>, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const n = Number(text);
  if (!Number.isFinite(n) || n < 0) throw new TypeError(`${name} has to be a number, not ${JSON.stringify(text)}`);
  return n;
}

/**
 * Reads the scale from the environment.
 *
 * - `KOMBU_TEST_SCALE`: 0.2 (default) for a quick run with 25 kills, 1 for the full one with 200.
 * - `KOMBU_TEST_STRESS`: how often the whole suite runs at the same time; default 0.
 * - `KOMBU_TEST_SEED`: repeats the random moments of a run whose failure named its seed.
 */
export function readScale(env: Readonly<Record<string, string | undefined>> = process.env): Scale {
  const factor = numberFrom(env, 'KOMBU_TEST_SCALE', 0.2);
  const count = (quick: number, full: number): number =>
    Math.max(1, Math.round(factor < 1 ? (quick * factor) / 0.2 : full * factor));
  return {
    kills: count(25, 200),
    aborts: 200,
    cycles: 100,
    restarts: count(1, 5),
    cuts: count(3, 20),
    stress: Math.trunc(numberFrom(env, 'KOMBU_TEST_STRESS', 0)),
    seed: Math.trunc(numberFrom(env, 'KOMBU_TEST_SEED', Date.now() % 2 ** 31)),
  };
}

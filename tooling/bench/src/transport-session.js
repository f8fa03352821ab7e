import { measure } from './measure.js';

const NO_BROKER = { url: undefined, close: async () => {} };
/** `--quick` sees a twentieth of what a full run sees. */
const QUICK = 20;

/** The broker that a bench runs against: the one at `url`, or one that is started here and ends with `close()`. */
export async function brokerFor({ start }, url) {
  if (start === undefined) return NO_BROKER;
  return url === undefined ? start() : { ...NO_BROKER, url };
}

/** Settings for a quick look: fewer messages, shorter waits. */
export function quickly(settings) {
  const less = (name, least) =>
    typeof settings[name] === 'number' && { [name]: Math.max(least, Math.ceil(settings[name] / QUICK)) };
  return {
    ...settings,
    ...less('messages', 100),
    ...less('backlog', 100),
    ...less('idleMs', 500),
    warmUp: Math.min(settings.warmUp ?? 200, 200),
    settleMs: 500,
  };
}

/**
 * Measures the comparisons of one transport, one after the other, and hands each row to `onRow` when it is there. A comparison
 * that fails gives a row with an `error`, and the next one goes on.
 *
 * @param {object} request
 * @param {readonly import('./types.d.ts').Comparison[]} request.comparisons
 * @param {import('./types.d.ts').RunningBroker} request.broker
 * @param {{ python: string, version: string } | undefined} request.python
 * @param {{ pairs: number, quick: boolean }} request.options
 * @param {(text: string) => void} request.progress
 * @param {() => void} [request.onStep] a comparison is done, whatever came of it
 * @param {(row: any) => void} request.onRow
 * @param {AbortSignal} [request.signal] no more is measured after it
 */
export async function runComparisons({
  comparisons,
  broker,
  python,
  options,
  progress,
  onStep = () => {},
  onRow,
  signal,
}) {
  for (const comparison of comparisons) {
    const { what } = comparison;
    if (signal?.aborted) {
      onRow({ what, error: signal.reason.message, notRun: true });
      onStep();
      continue;
    }
    try {
      const row = await measure(comparison, {
        settings: { url: broker.url, brokerPid: broker.pid, python: python?.python },
        pairs: options.quick ? 1 : Math.min(options.pairs, comparison.rounds ?? options.pairs),
        ...(!options.quick && { warmUp: quickly }),
        unavailable: ({ needs }) =>
          needs === 'python-kombu' && python === undefined ? 'there is no Python with Kombu here' : undefined,
        ...(options.quick && { scale: (own) => ({ ...quickly(own), ...comparison.quick }) }),
        progress,
        signal,
      });
      onRow(row);
    } catch (error) {
      onRow({ what, error: error.message, ...(signal?.aborted && { notRun: true }) });
    }
    onStep();
  }
}

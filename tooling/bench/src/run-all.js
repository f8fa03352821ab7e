import { setMaxListeners } from 'node:events';
import { libraryVersions, machine } from './machine.js';
import { createProgress, timeLeft } from './progress.js';
import { pythonWithKombu } from './python.js';
import { countVerdicts, describeRow } from './report.js';
import { mergeResults, readResults, writeResults } from './results.js';
import { drawChart } from './svg.js';
import { brokerFor, runComparisons } from './transport-session.js';

/** `--quick` ends before two minutes are over; the rest is for ending the brokers. */
const QUICK_MS = 105_000;

/** Which of a bench's comparisons are wanted. */
export function selectComparisons({ comparisons }, { quick, only }) {
  return comparisons.filter(
    (comparison) => !(quick && comparison.quick === false) && (only === undefined || comparison.what.includes(only)),
  );
}

/** Measures all that was asked for and writes it down. Resolves with the exit code: 1 where a run failed. */
export async function runAll(benches, options) {
  const python = pythonWithKombu();
  const progress = createProgress(process.stderr);
  const signal = options.quick ? quickSignal() : undefined;
  const wanted = benches.filter(
    (bench) => options.names.includes(bench.transport) && selectComparisons(bench, options).length > 0,
  );
  const counter = { done: 0, total: wanted.reduce((sum, bench) => sum + selectComparisons(bench, options).length, 0) };
  const from = performance.now();
  const all = [];

  for (const bench of wanted) {
    progress.step(`${bench.transport}: starting the broker`);
    const broker = await brokerFor(bench, options.broker).catch((error) => ({ unavailable: error.message }));
    if (broker.unavailable !== undefined) {
      progress.clear();
      console.log(`${bench.transport}: skipped, ${broker.unavailable}`);
      continue;
    }
    const rows = [];
    try {
      await runComparisons({
        comparisons: selectComparisons(bench, options),
        broker,
        python,
        options,
        signal,
        progress: (text) =>
          progress.step(
            `${bench.transport}: ${text} [${counter.done}/${counter.total} ${timeLeft(performance.now() - from, counter.done, counter.total)}]`,
          ),
        onRow(row) {
          counter.done++;
          rows.push(row);
          progress.clear();
          console.log(`${bench.transport}: ${describeRow(row)}`);
        },
      });
    } finally {
      await broker.close();
    }
    all.push(...rows);
    write(bench, { broker: broker.version, python: python?.version, rows }, options);
  }
  return summary(all, options);
}

function quickSignal() {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  setTimeout(() => controller.abort(new Error('the time for --quick was over')), QUICK_MS).unref();
  return controller.signal;
}

function write(bench, { broker, python, rows }, options) {
  const results = {
    name: bench.transport,
    date: new Date().toISOString(),
    quick: options.quick,
    pairs: options.quick ? 1 : options.pairs,
    machine: machine(),
    broker,
    python,
    libraries: libraryVersions(),
    rows,
  };
  const before = options.only && readResults(options.out).find(({ name }) => name === bench.transport);
  const merged = mergeResults(
    before,
    results,
    bench.comparisons.map(({ what }) => what),
  );
  writeResults(options.out, merged, drawChart(merged));
}

function summary(rows, { out }) {
  const { met, missed, skipped, failed } = countVerdicts(rows);
  const others = [skipped > 0 && `${skipped} skipped`, failed > 0 && `${failed} failed or not run`].filter(Boolean);
  console.log(`${[`${met} targets met`, `${missed} missed`, ...others].join(', ')}; written to ${out}`);
  return failed > 0 ? 1 : 0;
}

import { libraryVersions, machine } from './machine.js';
import { createProgress, timeLeft } from './progress.js';
import { countVerdicts, describeRow } from './report.js';
import { mergeResults, readResults, writeResults } from './results.js';
import { microSuite, transportSuite } from './suites.js';
import { drawChart } from './svg.js';

/** `--quick` ends before two minutes are over; the rest is for ending the brokers. */
const QUICK_MS = 100_000;

/**
 * Measures all that was asked for, suite by suite, and writes down each when it is done.
 *
 * @param {readonly import('./types.d.ts').TransportBench[]} benches
 * @param {ReturnType<import('./options.js').readOptions>} options
 * @param {{ python: string, version: string } | undefined} python
 * @returns {Promise<number>} the exit code: 1 where a run failed
 */
export async function runAll(benches, options, python) {
  const progress = createProgress(process.stderr);
  const deadline = options.quick ? deadlineSignal(QUICK_MS) : undefined;
  const suites = [...benches.map((bench) => transportSuite(bench, options)), microSuite(options)].filter(
    ({ name, size }) => options.names.includes(name) && size > 0,
  );
  const total = suites.reduce((sum, { size }) => sum + size, 0);
  const from = performance.now();
  const all = [];
  let done = 0;

  // A quick look is not for its numbers: the brokers start together, and rest until it is their turn.
  const starting = new Map();
  const start = (suite) => {
    if (!starting.has(suite))
      starting.set(
        suite,
        suite.start().catch(({ message }) => ({ unavailable: message })),
      );
    return starting.get(suite);
  };
  if (options.quick) for (const suite of suites) start(suite);

  for (const suite of suites) {
    progress.step(`${suite.name}: starting the broker`);
    const broker = await start(suite);
    if (broker.unavailable !== undefined) {
      progress.clear();
      console.log(`${suite.name}: skipped, ${broker.unavailable}`);
      done += suite.size;
      continue;
    }
    const rows = [];
    try {
      await suite.run({
        broker,
        python,
        signal: deadline,
        progress(text) {
          const left = timeLeft(performance.now() - from, done, total);
          progress.step(`${suite.name}: ${text} [${done}/${total}${left === '' ? '' : `, ${left}`}]`);
        },
        onStep() {
          done++;
        },
        onRow(row) {
          rows.push(row);
          progress.clear();
          console.log(`${suite.name}: ${describeRow(row)}`);
        },
      });
    } finally {
      await broker.close();
    }
    all.push(...rows);
    write(suite, { broker: broker.version, python: python?.version, rows }, options);
  }
  return summary(all, options);
}

function deadlineSignal(ms) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('the time for --quick was over')), ms).unref();
  return controller.signal;
}

function write({ name, order, libraries }, { broker, python, rows }, options) {
  const results = {
    name,
    date: new Date().toISOString(),
    quick: options.quick,
    pairs: options.quick ? 1 : options.pairs,
    machine: machine(),
    broker,
    python,
    libraries: libraryVersions(libraries),
    rows,
  };
  const before = options.only === undefined ? undefined : readResults(options.out).find((old) => old.name === name);
  const merged = mergeResults(before, results, order);
  writeResults(options.out, merged, drawChart(merged));
}

function summary(rows, { out }) {
  const { met, missed, skipped, failed } = countVerdicts(rows);
  const others = [skipped > 0 && `${skipped} skipped`, failed > 0 && `${failed} failed or not run`].filter(Boolean);
  console.log(`${[`${met} targets met`, `${missed} missed`, ...others].join(', ')}; written to ${out}`);
  return failed > 0 ? 1 : 0;
}

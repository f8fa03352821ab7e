import { createBrokerPool } from './broker-pool.js';
import { libraryVersions, machine } from './machine.js';
import { createProgress, timeLeft } from './progress.js';
import { countVerdicts, describeRow } from './report.js';
import { mergeResults, readResults, writeResults } from './results.js';
import { microSuite, transportSuite } from './suites.js';
import { drawChart } from './svg.js';

/** `--quick` ends before two minutes are over; the rest is for ending the brokers. */
const QUICK_MS = 105_000;

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
  const suites = [microSuite(options), ...benches.map((bench) => transportSuite(bench, options))].filter(
    ({ name, size }) => options.names.includes(name) && size > 0,
  );
  const total = suites.reduce((sum, { size }) => sum + size, 0);
  const from = performance.now();
  const all = [];
  let done = 0;

  const brokers = createBrokerPool(suites, deadline);

  for (const suite of suites) {
    progress.step(`${suite.name}: starting the broker`);
    const broker = await brokers.get(suite);
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
          // Each row at once: a long run that is interrupted leaves what it has found.
          write(suite, { broker: broker.version, python: python?.version, rows }, options);
          progress.clear();
          console.log(`${suite.name}: ${describeRow(row)}`);
        },
      });
    } finally {
      await brokers.end(broker);
    }
    all.push(...rows);
  }
  await brokers.allEnded();
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
  const before =
    options.only === undefined && !options['only-targets']
      ? undefined
      : readResults(options.out).find((old) => old.name === name);
  const merged = mergeResults(before, results, order);
  writeResults(options.out, merged, drawChart(merged));
}

function summary(rows, { out, quick }) {
  const { met, missed, skipped, failed, notRun } = countVerdicts(rows);
  const counts = { skipped, failed, 'not run': notRun };
  const others = Object.entries(counts).flatMap(([what, count]) => (count > 0 ? `${count} ${what}` : []));
  console.log(`${[`${met} targets met`, `${missed} missed`, ...others].join(', ')}; written to ${out}`);
  if (quick) console.log('This was a quick look: what it calls met or missed says little.');
  return failed > 0 ? 1 : 0;
}

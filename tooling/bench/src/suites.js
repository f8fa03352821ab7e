import { microFiles, runMicro } from './micro.js';
import { brokerFor, runComparisons } from './transport-session.js';
import { targetOf } from './verdict.js';

/**
 * What can be measured under one name: `size` steps, each giving a row or a few; `order` is how rows are called, if that is
 * known before, in the order of the tables.
 *
 * @typedef {object} Suite
 * @property {string} name
 * @property {readonly string[]} libraries that it is measured against
 * @property {number} size
 * @property {readonly string[] | undefined} order
 * @property {() => Promise<import('./types.d.ts').RunningBroker | { unavailable: string }>} start
 * @property {(conditions: object) => Promise<void>} run
 */

/** Which of a bench's comparisons are wanted. */
export function selectComparisons({ comparisons }, { quick, only, 'only-targets': onlyTargets }) {
  return comparisons.filter(
    (comparison) =>
      !(quick && comparison.quick === false) &&
      (only === undefined || comparison.what.includes(only)) &&
      (!onlyTargets || [comparison, ...comparison.references].some((one) => targetOf(one) !== undefined)),
  );
}

/** @returns {Suite} */
export function transportSuite(bench, options) {
  const comparisons = selectComparisons(bench, options);
  return {
    name: bench.transport,
    libraries: bench.libraries ?? [],
    size: comparisons.length,
    order: bench.comparisons.map(({ what }) => what),
    start: () => brokerFor(bench, options.broker),
    run: (conditions) => runComparisons({ ...conditions, comparisons, options }),
  };
}

/** @returns {Suite} */
export function microSuite({ quick, only, pairs, 'only-targets': onlyTargets }) {
  const files = onlyTargets ? [] : microFiles().filter((file) => only === undefined || file.includes(only));
  return {
    name: 'micro',
    libraries: [],
    size: files.length,
    order: undefined,
    start: async () => ({ url: '', close: async () => {} }),
    async run({ progress, onStep, onRow, signal }) {
      for (const file of files) {
        progress(file);
        try {
          const rows = await runMicro(file, { rounds: quick ? 1 : pairs, ms: quick ? 10 : 200, signal });
          for (const row of rows) onRow(row);
        } catch (error) {
          onRow({ what: file, error: error.message, ...(signal?.aborted && { notRun: true }) });
        }
        onStep();
      }
    },
  };
}

// Runs the cases of one file of micro/ and prints, for each, the time, the bytes and the number of allocations of one operation.
import { Session } from 'node:inspector';
import path from 'node:path';

const { file, ms = 200 } = JSON.parse(process.argv.at(-1));
/** The most operations whose allocations are counted, and about the most allocations that are. */
const MOST_COUNTED = 500;
const MOST_SAMPLES = 100_000;

const session = new Session();
session.connect();

/** @type {(method: string, parameters?: object) => any} these methods answer at once */
function post(method, parameters) {
  let answer;
  session.post(method, parameters, (error, result) => {
    if (error) throw new Error(`${method}: ${error.message}`);
    answer = result;
  });
  return answer;
}

/** Nanoseconds of an operation: repeated until it takes long enough to be measured, the median of three. */
async function timeOf(run) {
  let n = 1;
  for (;;) {
    const started = performance.now();
    await run(n);
    const took = performance.now() - started;
    if (took >= ms) break;
    n = Math.ceil(n * Math.min(10, Math.max(1.2, (ms * 1.1) / Math.max(took, 0.01))));
  }
  const samples = [];
  for (let i = 0; i < 3; i++) {
    const started = performance.now();
    await run(n);
    samples.push(((performance.now() - started) * 1e6) / n);
  }
  return samples.sort((a, b) => a - b)[1];
}

/**
 * What an operation allocates, once it is compiled: V8's heap profiler is told to take every allocation as a sample. What V8
 * allocates in one piece is one allocation. The memory of buffers, which is outside of the heap, is counted by its bytes.
 */
async function allocationsOf(run) {
  const few = await sampled(() => run(5));
  const n = Math.max(5, Math.min(MOST_COUNTED, Math.floor(MOST_SAMPLES / (few.allocations / 5 + 1))));
  // Once without any work: what counting itself costs is not the operation's.
  const nothing = await sampled(async () => {});
  const all = await sampled(() => run(n));
  const share = (name) => Math.max(0, all[name] - nothing[name]) / n;
  return { allocations: share('allocations'), bytes: share('bytes') };
}

async function sampled(work) {
  globalThis.gc();
  const outside = process.memoryUsage().arrayBuffers;
  post('HeapProfiler.startSampling', {
    samplingInterval: 1,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await work();
  // Before sampling stops: that collects garbage.
  const buffers = Math.max(0, process.memoryUsage().arrayBuffers - outside);
  const { samples } = post('HeapProfiler.stopSampling').profile;
  return { allocations: samples.length, bytes: samples.reduce((sum, { size }) => sum + size, 0) + buffers };
}

const { default: load } = await import(path.resolve(import.meta.dirname, '../micro', file));
const cases = [];
for (const { group, name, run } of await load()) {
  const nanos = await timeOf(run);
  cases.push({ group, name, figures: { nanos, ...(await allocationsOf(run)) } });
}
console.log(JSON.stringify({ cases }));

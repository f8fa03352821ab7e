import { body } from './message.js';

/**
 * What every subject and every reference is put through, so that all do the same work. A runner hands in an adapter:
 *
 * - `open(settings)`, `close()`
 * - `clear()`: makes the queues exist, empty
 * - `publish(body, i)`: a promise of the broker having it
 * - `counts()`: `{ stored, inFlight }`, as the broker (not the client) counts
 * - `consume(onBody)`: starts consuming with `settings.prefetch`; each body is acknowledged once `onBody` has returned;
 *   resolves with `stop()`, which resolves when the last acknowledgement has reached the broker
 */
const SCENARIOS = { publish, consume, latency };

/** Runs the scenario that the settings name, and prints its figures as JSON. */
export async function run(adapter) {
  const settings = JSON.parse(process.argv.at(-1));
  await adapter.open(settings);
  await adapter.clear();
  const figures = await SCENARIOS[settings.scenario](adapter, settings);
  await adapter.close();
  console.log(JSON.stringify(figures));
}

/** Rate of publishing with `inFlight` messages on the way at a time. */
async function publish(adapter, settings) {
  const warmUp = Math.min(settings.messages, 2_000);
  await fill(adapter, settings, warmUp);
  await expectCounts(adapter, { stored: warmUp });
  await adapter.clear();
  const seconds = await fill(adapter, settings, settings.messages);
  await expectCounts(adapter, { stored: settings.messages, inFlight: 0 });
  await adapter.clear();
  return { messages: settings.messages, seconds };
}

/** Rate of consuming a full queue, until the last acknowledgement has reached the broker. */
async function consume(adapter, settings) {
  const { messages } = settings;
  await drain(adapter, settings, Math.min(messages, 2_000));
  const before = rss();
  const figures = await drain(adapter, settings, messages);
  return { messages, ...figures, rssGrowth: rss() - before };
}

/** Time from publish to handler with one message on the way at a time: milliseconds. */
async function latency(adapter, settings) {
  const samples = [];
  let arrived;
  const stop = await adapter.consume(() => arrived());
  for (let i = 0; i < settings.messages + 50; i++) {
    const handled = new Promise((resolve) => {
      arrived = resolve;
    });
    const started = performance.now();
    await Promise.all([adapter.publish(body(i), i), handled.then(() => samples.push(performance.now() - started))]);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await stop();
  const sorted = samples.slice(50).sort((a, b) => a - b);
  const at = (share) => sorted[Math.floor(sorted.length * share)];
  // Rates are compared, so that "more is better" everywhere: one over the median.
  return { messages: 1, seconds: at(0.5) / 1000, p50: at(0.5), p99: at(0.99) };
}

async function fill(adapter, settings, messages) {
  let next = 0;
  const one = async () => {
    while (next < messages) {
      const i = next++;
      await adapter.publish(body(i, settings.bytes), i);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: settings.inFlight ?? 64 }, one));
  return (performance.now() - started) / 1000;
}

async function drain(adapter, settings, messages) {
  await fill(adapter, { ...settings, inFlight: 256 }, messages);
  await expectCounts(adapter, { stored: messages, inFlight: 0 });
  const seen = new Uint8Array(messages);
  let count = 0;
  let done;
  const all = new Promise((resolve) => {
    done = resolve;
  });
  const started = performance.now();
  const cpu = process.cpuUsage();
  const stop = await adapter.consume(({ args: [i] }) => {
    if (seen[i]++ !== 0) throw new Error(`message ${i} came twice`);
    if (++count === messages) done();
  });
  await all;
  await stop();
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  await expectCounts(adapter, { stored: 0, inFlight: 0 });
  return { seconds, cpuSeconds: (used.user + used.system) / 1e6 };
}

/** Unconfirmed messages may still be on the way, so the broker gets ten seconds to come to rest at these counts. */
async function expectCounts(adapter, expected) {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const counts = await adapter.counts();
    const wrong = Object.keys(expected).filter((name) => counts[name] !== expected[name]);
    if (wrong.length === 0) return;
    if (performance.now() > deadline) {
      throw new Error(wrong.map((name) => `${name}: ${counts[name]} messages instead of ${expected[name]}`).join(', '));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function rss() {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

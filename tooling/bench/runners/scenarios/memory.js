import { countDeliveries, expectCounts } from './checks.js';
import { drain } from './drain.js';
import { fill } from './fill.js';
import { startMeter } from './meter.js';

const MB = 1024 * 1024;
const EVERY_MS = 50;

/**
 * How far the resident memory of a process rises above what it was after a warm-up while `messages` pass through it, published
 * and consumed by it at once: the highest of all samples, not what is left at the end.
 */
export async function memory(adapter, settings) {
  const { messages } = settings;
  const warmUp = Math.min(messages, settings.warmUp ?? 10_000);
  if (warmUp > 0) await drain(adapter, settings, warmUp);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let highest = before;
  const sample = () => {
    highest = Math.max(highest, process.memoryUsage.rss());
  };
  const timer = setInterval(sample, EVERY_MS);
  const deliveries = countDeliveries(messages, settings);
  const meter = startMeter(adapter, settings);
  let figures;
  try {
    const stop = await adapter.consume((body) => deliveries.take(body));
    await fill(adapter, settings, messages);
    await deliveries.everyone();
    await stop();
    figures = meter(messages);
    sample();
  } finally {
    clearInterval(timer);
  }

  await adapter.release?.();
  await expectCounts(adapter, settings, { stored: 0, inFlight: 0 });
  deliveries.check();
  return { ...figures, memoryGrowth: (highest - before) / MB };
}

import { expectCounts } from './checks.js';
import { fill } from './fill.js';
import { startMeter } from './meter.js';

/**
 * Rate of publishing with `inFlight` messages on the way at a time, until the broker has all of them: as it confirms them, or
 * where nothing is confirmed as it counts them.
 */
export async function publish(adapter, settings) {
  const { messages } = settings;
  const warmUp = Math.min(messages, settings.warmUp ?? 2_000);
  await fill(adapter, settings, warmUp);
  await expectCounts(adapter, settings, { stored: warmUp });
  await adapter.clear();

  const stop = startMeter(adapter, settings);
  await fill(adapter, settings, messages);
  if (settings.confirm === false) await expectCounts(adapter, settings, { stored: messages }, 2);
  const figures = stop(messages);

  await expectCounts(adapter, settings, { stored: messages, inFlight: 0 });
  await adapter.clear();
  return figures;
}

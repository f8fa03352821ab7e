import { countDeliveries, expectCounts } from './checks.js';
import { fill } from './fill.js';
import { startMeter } from './meter.js';

/**
 * Fills the queues, consumes all of it until the last acknowledgement has reached the broker, and looks whether anything is
 * missing, came twice, or was left behind. `sinceFirst` is the time from the first delivery on.
 */
export async function drain(adapter, settings, messages) {
  await fill(adapter, { ...settings, inFlight: settings.fillInFlight ?? 256 }, messages);
  await expectCounts(adapter, settings, { stored: messages, inFlight: 0 });
  const deliveries = countDeliveries(messages, settings);

  const meter = startMeter(adapter, settings);
  const stop = await adapter.consume((body) => deliveries.take(body));
  await deliveries.everyone();
  await stop();
  const figures = meter(messages);
  const sinceFirst = (performance.now() - deliveries.firstAt) / 1000;

  await adapter.release?.();
  await expectCounts(adapter, settings, { stored: 0, inFlight: 0 });
  deliveries.check();
  return { ...figures, sinceFirst };
}

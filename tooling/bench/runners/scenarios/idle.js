import { setTimeout as sleep } from 'node:timers/promises';
import { body } from '../message.js';
import { countDeliveries, expectCounts } from './checks.js';
import { cpuShare } from './meter.js';

/**
 * Percent of a core that a consumer of `queues` empty queues uses while nothing comes. That it was not asleep for good is shown
 * after: one message to each queue arrives.
 */
export async function idle(adapter, settings) {
  const messages = settings.queues ?? 1;
  const deliveries = countDeliveries(messages, settings);
  const stop = await adapter.consume((message) => deliveries.take(message));
  await sleep(settings.settleMs ?? 3_000);
  const figures = await cpuShare(() => sleep(settings.idleMs ?? 10_000), settings);
  for (let i = 0; i < messages; i++) await adapter.publish(body(i), i);
  await deliveries.everyone();
  await stop();
  await adapter.release?.();
  await expectCounts(adapter, settings, { stored: 0, inFlight: 0 });
  deliveries.check();
  return figures;
}

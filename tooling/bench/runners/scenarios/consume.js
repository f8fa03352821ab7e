import { drain } from './drain.js';

/** Rate of consuming a full queue with `prefetch`, until the last acknowledgement has reached the broker. */
export async function consume(adapter, settings) {
  await drain(adapter, settings, Math.min(settings.messages, settings.warmUp ?? 2_000));
  return drain(adapter, settings, settings.messages);
}

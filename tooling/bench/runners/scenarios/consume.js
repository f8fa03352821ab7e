import { drain } from './drain.js';

/** Rate of consuming a full queue with `prefetch`, until the last acknowledgement has reached the broker. */
export async function consume(adapter, settings) {
  const warmUp = Math.min(settings.messages, settings.warmUp ?? 2_000);
  if (warmUp > 0) await drain(adapter, settings, warmUp);
  return drain(adapter, settings, settings.messages);
}

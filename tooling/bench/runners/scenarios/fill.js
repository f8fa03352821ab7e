import { body } from '../message.js';

/** Publishes so many messages, `settings.inFlight` of them on the way at a time. */
export async function fill(adapter, settings, messages) {
  let next = 0;
  const one = async () => {
    while (next < messages) {
      const i = next++;
      await adapter.publish(body(i, settings.bytes), i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(settings.inFlight ?? 64, messages) }, one));
}

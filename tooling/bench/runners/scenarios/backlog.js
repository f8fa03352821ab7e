import { drain } from './drain.js';

const WARM_UP = 10_000;

/**
 * Rate of consuming a queue that holds `backlog` messages, filled and drained as often as it takes to see at least `messages`
 * of them. Counted from the first delivery of each pass on: what subscribing costs says nothing about the backlog.
 */
export async function backlog(adapter, settings) {
  const warmUp = settings.warmUp ?? WARM_UP;
  for (let seen = 0; seen < warmUp; seen += settings.backlog) {
    await drain(adapter, settings, Math.min(settings.backlog, warmUp));
  }
  let messages = 0;
  let seconds = 0;
  while (messages < settings.messages) {
    const { sinceFirst } = await drain(adapter, settings, settings.backlog);
    messages += settings.backlog;
    seconds += sinceFirst;
  }
  return { messages, seconds };
}

import type { QueueLimits, Reserved } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { parseName } from './message-name.js';
import { MAX_RESERVE, take } from './reserve.js';

/**
 * Pushes out of a queue what is more than its limits allow, the first ones first. Every link looks at the whole queue: where two do so
 * at once, each message is pushed out by one of them. Names say how large bodies are; Python's count as nothing.
 */
export function createEvict(
  context: DriverContext,
): (queue: string, limits: QueueLimits) => Promise<readonly Reserved[]> {
  return async (queue, limits) => {
    const { maxLength = Number.POSITIVE_INFINITY, maxLengthBytes = Number.POSITIVE_INFINITY } = limits;
    const view = context.views.of(queue);
    await view.refresh();
    const names = [...view.names()];
    let bytes = names.reduce((sum, name) => sum + (parseName(name)?.bytes ?? 0), 0);
    let over = 0;
    while (over < names.length && (names.length - over > maxLength || bytes > maxLengthBytes)) {
      bytes -= parseName(names[over++] ?? '')?.bytes ?? 0;
    }
    const out: Reserved[] = [];
    const discard = limits.discard === true;
    for (const most = discard ? MAX_RESERVE / 2 : MAX_RESERVE; over > 0; ) {
      const chosen = view.takeNames(Math.min(over, most));
      if (chosen.length === 0) break;
      over -= chosen.length;
      const taken = await take(context, queue, chosen, discard);
      if (!discard) out.push(...taken);
    }
    return out;
  };
}

import { InvalidOptionError } from '@kombu/core';
import type { QueueOrder, RedisOptions } from './options.js';

/** A function that orders the queues of one reserve. Core hands them over longest-waiting first. */
export function queueOrder(strategy: RedisOptions['queueOrderStrategy'], watched: ReadonlySet<string>): QueueOrder {
  switch (strategy) {
    case undefined:
    case 'round_robin':
      return (queues) => queues;
    case 'sorted':
      return (queues) => [...queues].sort();
    case 'priority':
      return (queues) => {
        const wanted = new Set(queues);
        const known = [...watched].filter((queue) => wanted.delete(queue));
        return [...known, ...wanted];
      };
  }
  if (typeof strategy !== 'function') {
    throw new InvalidOptionError(
      "transport option 'queueOrderStrategy' must be round_robin, sorted, priority or a function",
    );
  }
  return (queues) => {
    const wanted = new Set(queues);
    const chosen = [...strategy(queues)].filter((queue) => wanted.delete(queue));
    return [...chosen, ...wanted];
  };
}

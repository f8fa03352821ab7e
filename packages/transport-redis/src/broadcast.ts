import type { BroadcastStore } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';

/** Takes the meaning out of characters that PSUBSCRIBE reads as a glob. */
function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

/**
 * Fanout as Python has it: PUBLISH to a channel named after the exchange and the routing key, PSUBSCRIBE with `#` as `*`. Whoever
 * is subscribed at that moment gets it, once for each subscription.
 */
export function createBroadcast(context: DriverContext): BroadcastStore {
  const { link, keys, options } = context;
  const { subscriber } = link.sockets;
  const listeners = new Map<string, Set<(payload: string) => void>>();
  subscriber.on('pmessage', (pattern: string, _channel: string, payload: string) => {
    for (const deliver of listeners.get(pattern) ?? []) deliver(payload);
  });

  const channelOf = (exchange: string, routingKey: string) =>
    keys.channelPrefix + exchange + (options.fanoutPatterns && routingKey !== '' ? `/${routingKey}` : '');

  const patternOf = (exchange: string, routingKey: string) => {
    const key = options.fanoutPatterns && routingKey !== '' ? `/${routingKey}` : '';
    // A `*` in a binding key is a glob, as in Python; everything else stands for itself.
    return escapeGlob(keys.channelPrefix + exchange) + key.replaceAll('#', '*').replace(/[?[\]\\]/g, '\\$&');
  };

  return {
    async publish(entries, o) {
      const sent = entries.map(({ exchange, routingKey, payload }) =>
        link.call('PUBLISH', 'publish', [channelOf(exchange, routingKey), payload], o?.signal),
      );
      await Promise.all(sent);
    },
    async subscribe({ exchange, routingKey }, deliver, o) {
      const pattern = patternOf(exchange, routingKey);
      let set = listeners.get(pattern);
      if (set === undefined) {
        set = new Set();
        listeners.set(pattern, set);
      }
      // Two subscriptions may share a callback.
      const listener = (payload: string) => deliver(payload);
      set.add(listener);
      const close = async () => {
        if (!set.delete(listener) || set.size > 0) return;
        if (listeners.get(pattern) === set) listeners.delete(pattern);
        await link.call('PUNSUBSCRIBE', 'punsubscribe', [pattern], undefined, subscriber);
      };
      try {
        // Also where another subscription has it already: that one may not be confirmed yet.
        await link.call('PSUBSCRIBE', 'psubscribe', [pattern], o?.signal, subscriber);
      } catch (error) {
        close().catch(() => {});
        throw error;
      }
      return { close };
    },
  };
}

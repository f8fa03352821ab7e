import type { BroadcastStore } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';

/** A queue that is subscribed to a pattern. */
interface Listener {
  readonly queue: string;
  readonly deliver: (payload: string) => void;
}

/** Takes the meaning out of characters that PSUBSCRIBE reads as a glob. */
function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

/**
 * Fanout as Python has it: PUBLISH to a channel named after the exchange and the routing key, PSUBSCRIBE with `#` as `*`. Whoever
 * is subscribed at that moment gets it, a queue once. Bound by `''` or `#` a queue gets everything, as in AMQP (in Python only what
 * has no key, or only what has one); by another key only what that matches.
 */
export function createBroadcast(context: DriverContext): BroadcastStore {
  const { link, keys, options } = context;
  const { subscriber } = link.sockets;
  const patterns = new Map<string, Set<Listener>>();
  /** The message that came last, and who has it: it comes once for each pattern that matches, one right after the other. */
  let last = { channel: '', payload: '', patterns: new Set<string>(), queues: new Set<string>() };

  subscriber.on('pmessage', (pattern: string, channel: string, payload: string) => {
    // The same by the same pattern is another message: not every publisher writes something else each time.
    if (channel !== last.channel || payload !== last.payload || last.patterns.has(pattern)) {
      last = { channel, payload, patterns: new Set(), queues: new Set() };
    }
    last.patterns.add(pattern);
    const before = last.queues;
    const now = new Set(before);
    for (const { queue, deliver } of patterns.get(pattern) ?? []) {
      if (before.has(queue)) continue;
      now.add(queue);
      deliver(payload);
    }
    last.queues = now;
  });

  const channelOf = (exchange: string, routingKey: string) =>
    keys.channelPrefix + exchange + (options.fanoutPatterns && routingKey !== '' ? `/${routingKey}` : '');

  const patternsOf = (exchange: string, routingKey: string): string[] => {
    const all = escapeGlob(keys.channelPrefix + exchange);
    if (!options.fanoutPatterns) return [all];
    if (routingKey === '' || routingKey === '#') return [all, `${all}/*`];
    // A `*` in a binding key is a glob, as in Python; everything else stands for itself.
    return [`${all}/${routingKey.replaceAll('#', '*').replace(/[?[\]\\]/g, '\\$&')}`];
  };

  return {
    async publish(entries, o) {
      const sent = entries.map(({ exchange, routingKey, payload }) =>
        link.call('PUBLISH', 'publish', [channelOf(exchange, routingKey), payload], o?.signal),
      );
      await Promise.all(sent);
    },
    async subscribe({ exchange, routingKey, queue }, deliver, o) {
      const wanted = patternsOf(exchange, routingKey);
      const listener = { queue, deliver };
      for (const pattern of wanted) {
        const listeners = patterns.get(pattern) ?? new Set();
        patterns.set(pattern, listeners);
        listeners.add(listener);
      }
      const close = async () => {
        const unused = wanted.filter((pattern) => {
          const listeners = patterns.get(pattern);
          if (!listeners?.delete(listener) || listeners.size > 0) return false;
          return patterns.delete(pattern);
        });
        if (unused.length > 0) await link.call('PUNSUBSCRIBE', 'punsubscribe', unused, undefined, subscriber);
      };
      try {
        // Also where another subscription has it already: that one may not be confirmed yet.
        await link.call('PSUBSCRIBE', 'psubscribe', wanted, o?.signal, subscriber);
      } catch (error) {
        close().catch(() => {});
        throw error;
      }
      return { close };
    },
  };
}

import type { ConsumeRequest, Delivery, Outcome } from '@kombu/core';
import type { PutRequest } from '@kombu/core/virtual';
import { close, concurrency, honesty, prefetch, publishConsume } from '../../src/index.js';
import { channelSaboteur, driverSaboteur, type Saboteur } from './saboteur.js';

/** Transports that do not keep what they say, or what the interface asks for. */
export const promising: readonly Saboteur[] = [
  channelSaboteur(
    { name: 'declares noLocal, and has it not', group: honesty, caughtBy: /noLocal/ },
    () => (channel) => ({
      consume: (request: ConsumeRequest, deliver: (d: Delivery) => void, o) =>
        channel.consume({ ...request, noLocal: false }, deliver, o),
    }),
    { noLocal: true },
  ),
  channelSaboteur(
    { name: 'does not declare expiry, and ignores it in silence', group: honesty, caughtBy: /own expiry/ },
    () => (channel) => ({
      publish(message, route, o) {
        const { expiration: _, ...properties } = message.properties;
        return channel.publish({ ...message, properties }, route, o);
      },
    }),
    { messageTtl: false },
  ),
  channelSaboteur(
    { name: 'declares mandatory, and drops what no queue takes', group: honesty, caughtBy: /mandatory/ },
    () => (channel) => ({
      publish: (message, route, o) => channel.publish(message, { ...route, mandatory: false }, o),
    }),
  ),
  channelSaboteur(
    { name: 'swallows errors of publish', group: publishConsume, caughtBy: /nobody declared is NOT_FOUND/ },
    () => (channel) => ({
      async publish(message, route, o) {
        await Promise.resolve(channel.publish(message, route, o)).catch(() => {});
      },
    }),
  ),
  channelSaboteur(
    { name: 'hands out one more than the prefetch', group: prefetch, caughtBy: /^2 is never exceeded/ },
    () => (channel) => ({
      consume: (request: ConsumeRequest, deliver: (d: Delivery) => void, o) =>
        channel.consume({ ...request, prefetch: request.prefetch === 0 ? 0 : request.prefetch + 1 }, deliver, o),
    }),
  ),
  channelSaboteur(
    { name: 'waits for one message before it hands out the next', group: prefetch, caughtBy: /one slow message/ },
    () => (channel) => ({
      consume: (request: ConsumeRequest, deliver: (d: Delivery) => void, o) =>
        channel.consume({ ...request, prefetch: 1 }, deliver, o),
      setPrefetch: () => {},
    }),
  ),
  channelSaboteur({ name: 'never finishes a cancel', group: concurrency, caughtBy: /after a cancel/ }, () => () => ({
    cancel: () => new Promise(() => {}),
  })),
  channelSaboteur(
    { name: 'acknowledges what is unsettled when it closes', group: close, caughtBy: /nobody reads/ },
    () => (channel) => {
      const held = new Set<Delivery>();
      return {
        consume: (request: ConsumeRequest, deliver: (d: Delivery) => void, o) =>
          channel.consume(
            request,
            (delivery) => {
              held.add(delivery);
              deliver(delivery);
            },
            o,
          ),
        settle(delivery: Delivery, outcome: Outcome | 'release', o) {
          if (outcome === 'release') return channel.settle(delivery, 'ack', o);
          held.delete(delivery);
          return channel.settle(delivery, outcome, o);
        },
        async close() {
          for (const delivery of held) channel.settle(delivery, 'ack');
          await channel.close();
        },
      };
    },
  ),
  driverSaboteur(
    { name: 'says that a message is stored, and stores it later', group: publishConsume, caughtBy: /one message/ },
    () => (driver) => ({
      async put(request: PutRequest, o) {
        const later = (): void => {
          try {
            driver.put(request, o);
          } catch {
            // By then the link may be gone, and the message with it.
          }
        };
        setTimeout(later, 3000).unref();
        return { failures: [], evicted: [] };
      },
    }),
  ),
];

import { isUnavailable, startRabbitmq, startRedis } from '@kombu/brokers';

const START = { redis: () => startRedis(), amqp: () => startRabbitmq() };

/**
 * The broker that a transport's comparisons run against: the one at `url`, or one that is started here and ends with
 * `close()`. `{ unavailable }` where there is none.
 */
export async function brokerFor(transport, url) {
  const start = START[transport];
  if (start === undefined) return { url: undefined, close: async () => {} };
  if (url !== undefined) return { url, close: async () => {} };
  const broker = await start();
  if (isUnavailable(broker)) return broker;
  return { url: broker.url, version: broker.version, close: () => broker.close() };
}

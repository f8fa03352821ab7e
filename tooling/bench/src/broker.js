import { isUnavailable, startRabbitmq, startRedis, temporaryFolder } from '@kombu/brokers';

const START = { redis: () => startRedis(), amqp: () => startRabbitmq(), filesystem: startFolder };

/** A folder on the disk of the system's temporary files. */
async function startFolder() {
  const { path, remove } = await temporaryFolder();
  return { url: `filesystem://${path}`, version: undefined, close: remove };
}

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

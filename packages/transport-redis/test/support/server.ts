import { isUnavailable, type Redis, type RedisOptions, startRedis } from '@kombu/brokers';

/** Starts redis-server; without one no test of this package can say anything. */
export async function startServer(options: RedisOptions = {}): Promise<Redis> {
  const broker = await startRedis(options);
  if (isUnavailable(broker)) throw new Error(broker.unavailable);
  return broker;
}

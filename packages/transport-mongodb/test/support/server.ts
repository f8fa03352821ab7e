import { isUnavailable, type Mongodb, type MongodbOptions, startMongodb } from '@kombu/brokers';

/** Starts a server, or says why there is none: the reason that a suite is skipped with. */
export async function startServer(options: MongodbOptions = {}): Promise<Mongodb | string> {
  const broker = await startMongodb(options);
  return isUnavailable(broker) ? broker.unavailable : broker;
}

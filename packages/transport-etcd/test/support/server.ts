import { type Etcd, isUnavailable, startEtcd } from '@kombu/brokers';

/** A server of this test file. */
export async function startServer(options: Parameters<typeof startEtcd>[0] = {}): Promise<Etcd> {
  const server = await startEtcd(options);
  if (isUnavailable(server)) throw new Error(server.unavailable);
  return server;
}

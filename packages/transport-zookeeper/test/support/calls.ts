import type { VirtualDriver } from '@kombu/core/virtual';

/** Numbers of ZooKeeper's requests. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'create',
  2: 'delete',
  3: 'exists',
  4: 'getData',
  5: 'setData',
  12: 'getChildren',
  14: 'multi',
};

/** Counts what a driver asks of the server from now on, by the name of the request. */
export function countCalls(driver: VirtualDriver): Record<string, number> {
  const counts: Record<string, number> = {};
  const { connectionManager } = driver.client as {
    connectionManager: { queue: (request: { header?: { type: number } }, done: unknown) => void };
  };
  const { queue } = connectionManager;
  connectionManager.queue = function (request, done) {
    const name = NAMES[request.header?.type ?? 0] ?? 'other';
    counts[name] = (counts[name] ?? 0) + 1;
    queue.call(this, request, done);
  };
  return counts;
}

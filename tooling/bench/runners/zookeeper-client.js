import zookeeper from 'node-zookeeper-client';
import ConnectionManager from 'node-zookeeper-client/lib/ConnectionManager.js';

/** Turns a call with a callback into a promise of its first result. */
export const promised = (call) =>
  new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });

/** A client that is connected. */
export async function openClient(url) {
  const client = zookeeper.createClient(new URL(url.replace('zookeeper:', 'http:')).host, { sessionTimeout: 30_000 });
  await new Promise((resolve) => {
    client.once('connected', resolve);
    client.connect();
  });
  return client;
}

/** Counts every request of this process, whoever makes it; returns the function that tells how many. */
export function countCalls() {
  let calls = 0;
  const { queue } = ConnectionManager.prototype;
  ConnectionManager.prototype.queue = function (...args) {
    calls++;
    return queue.apply(this, args);
  };
  return () => calls;
}

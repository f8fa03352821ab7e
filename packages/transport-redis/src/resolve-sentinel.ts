import { type BrokerTarget, InvalidOptionError, type KombuError, OperationalError } from '@kombu/core';
import type { RedisOptions } from './options.js';
import { type Address, addressText, destroySocket, openSocket, type SocketOptions } from './socket.js';
import { translateError } from './translate-error.js';

/**
 * Asks the sentinels, in their order, where the master is. Rejects with the last error when none of them knows.
 */
export async function resolveSentinel(
  target: BrokerTarget<RedisOptions>,
  base: SocketOptions,
  signal: AbortSignal,
): Promise<Address> {
  const { masterName, sentinelOptions } = target.options;
  if (!masterName) throw new InvalidOptionError("sentinel:// needs the transport option 'masterName'");
  const tls = sentinelOptions?.tls;
  const options: SocketOptions = {
    ...base,
    username: sentinelOptions?.username,
    password: sentinelOptions?.password,
    database: 0,
    tls: tls === true ? {} : tls ? tls : undefined,
  };
  let failure: KombuError | undefined;
  for (const sentinel of target.all) {
    const address = { host: sentinel.hostname ?? '127.0.0.1', port: sentinel.port ?? 26379 };
    const what = `asking the sentinel ${addressText(address)} for '${masterName}'`;
    try {
      const client = await openSocket(address, options, signal);
      const abort = () => destroySocket(client);
      signal.addEventListener('abort', abort, { once: true });
      try {
        const reply = await client.call('sentinel', 'get-master-addr-by-name', masterName);
        if (Array.isArray(reply)) return { host: String(reply[0]), port: Number(reply[1]) };
        failure = new OperationalError('CONNECT_REFUSED', `${what} failed: it does not know that name`);
      } finally {
        signal.removeEventListener('abort', abort);
        destroySocket(client);
      }
    } catch (error) {
      signal.throwIfAborted();
      failure = translateError(error, what).error;
    }
  }
  throw failure ?? new OperationalError('CONNECT_REFUSED', `no sentinel to ask for '${masterName}'`);
}

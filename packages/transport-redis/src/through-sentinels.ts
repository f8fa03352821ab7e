import {
  abortError,
  type BrokerTarget,
  InvalidOptionError,
  KombuError,
  OperationalError,
  type TransportContext,
} from '@kombu/core';
import { mapped } from './nat-map.js';
import type { RedisOptions } from './options.js';
import { type Address, addressText, destroySocket, openSocket, type SocketOptions } from './socket.js';
import { translateError } from './translate-error.js';

/** Where one sentinel says that the master is. */
async function ask(
  sentinel: Address,
  what: string,
  masterName: string,
  options: SocketOptions,
  signal: AbortSignal,
): Promise<Address> {
  try {
    const client = await openSocket(sentinel, options, signal);
    const abort = () => destroySocket(client);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const reply = await client.call('sentinel', 'get-master-addr-by-name', masterName);
      if (Array.isArray(reply)) return { host: String(reply[0]), port: Number(reply[1]) };
    } finally {
      signal.removeEventListener('abort', abort);
      destroySocket(client);
    }
  } catch (error) {
    throw translateError(error, what).error;
  }
  throw new OperationalError('CONNECT_REFUSED', `${what} failed: it does not know that name`);
}

/** Errors of a server that is dead, replaced or cut off: another sentinel may know better. */
const NOT_THERE: ReadonlySet<string> = new Set([
  'ERR_KOMBU_CONNECT_REFUSED',
  'ERR_KOMBU_CONNECT_TIMEOUT',
  'ERR_KOMBU_CONNECTION_LOST',
]);

/** Runs `fn` with a share of the time for connecting, so that a server that never answers does not take all of it. */
async function withShare<T>(
  what: string,
  ms: number,
  { signal, clock }: TransportContext,
  fn: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const cancel = clock.after(ms, () => late.abort());
  try {
    return await fn(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (!late.signal.aborted || signal.aborted) throw error;
    throw new OperationalError('CONNECT_TIMEOUT', `${what} did not end within ${ms} ms`, { cause: error });
  } finally {
    cancel();
  }
}

/**
 * Asks the sentinels, in their order, where the master is, and connects to it. One that is cut off may name a master that is
 * dead or was replaced: where that cannot be reached, the next sentinel is asked; each step has its share of the time. Rejects with
 * what came of the last master that was named, else with why the last sentinel could not tell.
 */
export async function throughSentinels<T>(
  target: BrokerTarget<RedisOptions>,
  base: SocketOptions,
  context: TransportContext,
  connectTo: (master: Address, signal: AbortSignal) => Promise<T>,
): Promise<T> {
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
  const shareMs = Math.ceil(target.connectTimeoutMs / (target.all.length + 1));
  const tried = new Set<string>();
  let unasked: unknown = new OperationalError('CONNECT_REFUSED', `no sentinel to ask for '${masterName}'`);
  let unreached: unknown;
  for (const { hostname = '127.0.0.1', port = 26379 } of target.all) {
    const sentinel = { host: hostname, port };
    const asking = `asking the sentinel ${addressText(sentinel)} for '${masterName}'`;
    let named: Address;
    try {
      named = await withShare(asking, shareMs, context, (signal) => ask(sentinel, asking, masterName, options, signal));
    } catch (error) {
      if (context.signal.aborted) throw abortError(context.signal, asking);
      unasked = error;
      continue;
    }
    const master = mapped(named, target.options);
    const address = addressText(master);
    if (tried.has(address)) continue;
    tried.add(address);
    try {
      return await withShare(`connecting to Redis at ${address}`, shareMs, context, (signal) =>
        connectTo(master, signal),
      );
    } catch (error) {
      if (context.signal.aborted || !(KombuError.is(error) && NOT_THERE.has(error.code))) throw error;
      unreached = error;
    }
  }
  throw unreached ?? unasked;
}

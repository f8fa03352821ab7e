import {
  abortError,
  type BrokerTarget,
  InvalidOptionError,
  NotSupportedError,
  OperationalError,
  type TransportContext,
} from '@kombu/core';
import type { Redis } from 'ioredis';
import { RedisLink } from './link.js';
import { mapped } from './nat-map.js';
import type { RedisOptions } from './options.js';
import { resolveSlot, slotOf } from './resolve-cluster.js';
import { isAtLeast, readServerInfo, type ServerInfo } from './server-info.js';
import { type Address, addressText, destroySocket, openSocket, type SocketOptions } from './socket.js';
import { throughSentinels } from './through-sentinels.js';
import { translateError } from './translate-error.js';

/** A link that was just opened. */
export interface Connected {
  readonly link: RedisLink;
  readonly info: ServerInfo;
  readonly database: number;
}

/** The database of a virtual host: none and `/` are 0. */
export function databaseOf(virtualHost: string | undefined): number {
  const text = (virtualHost ?? '').replace(/^\//, '');
  if (text === '') return 0;
  if (!/^\d+$/.test(text)) {
    throw new InvalidOptionError(`the virtual host of a Redis URL is a database number, not '${virtualHost}'`);
  }
  return Number(text);
}

function socketOptions(target: BrokerTarget<RedisOptions>, database: number): SocketOptions {
  const { options } = target;
  return {
    username: target.userid,
    password: target.password,
    database,
    tls: target.tls,
    connectTimeoutMs: options.socketConnectTimeoutMs ?? target.connectTimeoutMs,
    socketTimeoutMs: options.socketTimeoutMs,
    keepaliveMs: options.socketKeepalive === false ? undefined : 30_000,
    clientName: options.clientName,
  };
}

function addressOf({ scheme, hostname, port }: BrokerTarget<RedisOptions>): Address {
  if (scheme !== 'redis+socket') return { host: hostname ?? '127.0.0.1', port: port ?? 6379 };
  if (!hostname) throw new InvalidOptionError('redis+socket:// needs the path of the socket');
  return { path: hostname };
}

/** Throws when this server cannot be used. */
function check(info: ServerInfo, target: BrokerTarget<RedisOptions>, database: number): void {
  if (info.loading) throw new OperationalError('BROKER_BUSY', 'Redis is still loading its data');
  if (!isAtLeast(info.version, 6, 2)) {
    throw new NotSupportedError(`Redis 6.2 or newer is needed, this is ${info.version}`);
  }
  if (info.cluster && !target.options.hashTag) {
    throw new InvalidOptionError(
      "a Redis Cluster needs the transport option 'hashTag', so that all keys are in one slot",
    );
  }
  if (info.cluster && database !== 0) throw new NotSupportedError('a Redis Cluster has no database but 0');
}

/**
 * Opens every socket of a link to the server that is to be written to: the one of the URL, the master that the sentinels name,
 * or the master of the hash tag's slot. Rejects with a translated error, every socket closed.
 */
export async function connect(target: BrokerTarget<RedisOptions>, context: TransportContext): Promise<Connected> {
  const database = databaseOf(target.virtualHost);
  const options = socketOptions(target, database);
  const connectTo = (address: Address, signal: AbortSignal) =>
    connectAt(address, options, target, { signal, logger: context.logger });
  if (target.scheme !== 'sentinel') return connectTo(addressOf(target), context.signal);
  return throughSentinels(target, options, context, connectTo);
}

async function connectAt(
  first: Address,
  options: SocketOptions,
  target: BrokerTarget<RedisOptions>,
  { signal, logger }: Pick<TransportContext, 'signal' | 'logger'>,
): Promise<Connected> {
  const { database } = options;
  const opened: Redis[] = [];
  const abort = () => {
    for (const client of opened) destroySocket(client);
  };
  signal.addEventListener('abort', abort, { once: true });
  let what = 'connecting to Redis';
  const open = async (address: Address) => {
    what = `connecting to Redis at ${addressText(address)}`;
    const client = await openSocket(address, options, signal);
    // What goes wrong from now on shows as a rejected command.
    opened.push(client);
    return client;
  };
  try {
    let address = first;
    let commands = await open(address);
    let info = await readServerInfo(commands);
    check(info, target, database);
    if (info.cluster) {
      const named = await resolveSlot(commands, slotOf(target.options.hashTag ?? ''), address);
      const master = mapped(named, target.options);
      if (addressText(master) !== addressText(address)) {
        destroySocket(commands);
        address = master;
        commands = await open(address);
        info = await readServerInfo(commands);
        check(info, target, database);
      }
    }
    if (info.readOnly)
      throw new OperationalError('CONNECT_REFUSED', `${what} failed: it is a replica that takes no writes`);
    const subscriber = await open(address);
    const publisher = target.options.confirmReplicas ? await open(address) : commands;
    return { link: new RedisLink({ commands, subscriber, publisher }, logger), info, database };
  } catch (error) {
    abort();
    if (signal.aborted) throw abortError(signal, what);
    throw translateError(error, what).error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

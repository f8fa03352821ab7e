import { InvalidOptionError } from '@kombu/core';
import type { RedisOptions } from './options.js';
import type { Address } from './socket.js';

/** Where a server is found that calls itself something else. */
export interface MappedAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Where to connect instead of the address that sentinels or the cluster name; the same address when `natMap` does not know it.
 *
 * @throws InvalidOptionError for an entry that is no host and port.
 */
export function mapped(address: Address, { natMap }: RedisOptions): Address {
  if (natMap === undefined || !('host' in address)) return address;
  const name = `${address.host}:${address.port}`;
  if (!Object.hasOwn(natMap, name)) return address;
  const { host, port } = (natMap[name] ?? {}) as Partial<MappedAddress>;
  if (typeof host !== 'string' || host === '' || !Number.isInteger(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new InvalidOptionError(`transport option 'natMap': '${name}' needs a host and a port`);
  }
  return { host, port: Number(port) };
}

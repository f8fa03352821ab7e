import { type BrokerTarget, InvalidOptionError } from '@kombu/core';
import type { ResolvedOptions } from './driver-context.js';
import { type DriverParameters, driverParameterSpecs } from './driver-parameters.js';

const PARAMETERS = Object.keys(driverParameterSpecs) as readonly (keyof DriverParameters)[];

/** What the driver is to connect to. */
export interface ConnectionString {
  /** The URL for the driver, password included: never to be logged. */
  readonly uri: string;
  readonly database: string;
  /** What may be shown. */
  readonly shown: string;
}

/** Hosts and ports as a MongoDB URL has them. */
function hostsOf({ scheme, hostname, port, options }: BrokerTarget<ResolvedOptions>): string {
  const host = hostname ?? options.defaultHostname;
  if (scheme === 'mongodb+srv') return host;
  const all = host.split(',').map((one) => {
    const bare = one.includes(':') && !one.includes('[') && one.split(':').length > 2;
    return bare ? `[${one}]` : one;
  });
  const [only = ''] = all;
  return all.length > 1 ? all.join(',') : `${only}:${port ?? options.defaultPort}`;
}

/** The name of the database: from the URL, else the option. */
function checkDatabase(name: string): void {
  if (name === '' || Buffer.byteLength(name) > 63 || /[/\\. "$\0]/.test(name)) {
    throw new InvalidOptionError(
      `mongodb: the database cannot be ${JSON.stringify(name)}: its name has 1 to 63 bytes, and no '/', '\\', '.', ' ', '"' or '$'`,
    );
  }
}

/**
 * Makes the URL that the driver gets: hosts, credentials and database of the Connection, and every parameter that is the driver's.
 * A database that is named by the URL is also where the user is looked for, unless `authSource` says otherwise.
 */
export function connectionString(target: BrokerTarget<ResolvedOptions>): ConnectionString {
  const { scheme, userid, password, options } = target;
  const named = target.virtualHost === '/' || target.virtualHost === '' ? undefined : target.virtualHost;
  const database = named ?? options.defaultDatabase;
  checkDatabase(database);
  const hosts = hostsOf(target);
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  const user = userid === undefined ? '' : `${encodeURIComponent(userid)}${secret}@`;
  const query = new URLSearchParams();
  for (const name of PARAMETERS) {
    const value = options[name];
    if (value === undefined) continue;
    const { min } = driverParameterSpecs[name];
    // Numbers were checked; text may be one, or a word such as `majority`.
    if (min !== undefined && Number(value) < min)
      throw new InvalidOptionError(`the ${target.scheme} transport: '${name}' must be at least ${min}`);
    query.set(name, String(value));
  }
  const path = named === undefined ? '' : encodeURIComponent(named);
  const text = query.toString().replaceAll('+', '%20');
  return {
    uri: `${scheme}://${user}${hosts}/${path}${text === '' ? '' : `?${text}`}`,
    database,
    shown: `${scheme}://${hosts}/${database}`,
  };
}

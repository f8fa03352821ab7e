import { InvalidOptionError } from '../errors/index.js';
import { checkSslParameters, SSL_PARAMETERS } from './tls.js';
import { bareDuration, parseBoolean, parseNumber } from './transport-options.js';

/** What the parameters of a URL say of the connection itself; what is undefined was not said. */
export interface UrlSettings {
  tls?: boolean;
  /** The `ssl_*` parameters as given. */
  ssl: Record<string, string>;
  connectTimeoutMs?: number;
  heartbeatMs?: number;
  loginMethod?: string;
  virtualHost?: string;
  failoverStrategy?: string;
  reconnect?: boolean;
  maxDecompressedBytes?: number;
  /** The parameters that are the transport's own. */
  rest: Record<string, string>;
}

type Setter = (settings: UrlSettings, value: string, name: string) => void;

function bad(name: string, what: string): never {
  throw new InvalidOptionError(`the URL parameter '${name}' must be ${what}`);
}

function duration(field: 'connectTimeoutMs' | 'heartbeatMs', factor: number): Setter {
  const unit = factor === 1 ? 'milliseconds' : 'seconds';
  return (settings, value, name) => {
    const number = parseNumber(value);
    if (number === undefined || number < 0) bad(name, `a number of ${unit}, at least 0`);
    if (number === 0 && field === 'connectTimeoutMs') bad(name, `a number of ${unit} above 0`);
    settings[field] = number * factor;
  };
}

function flag(field: 'tls' | 'reconnect'): Setter {
  return (settings, value, name) => {
    settings[field] = parseBoolean(value) ?? bad(name, 'true or false');
  };
}

const setLogin: Setter = (s, value) => {
  s.loginMethod = value;
};
const setVirtualHost: Setter = (s, value) => {
  s.virtualHost = value;
};
const setFailover: Setter = (s, value) => {
  s.failoverStrategy = value;
};
const setLimit: Setter = (s, value, name) => {
  const number = parseNumber(value);
  if (number === undefined || !Number.isSafeInteger(number) || number < 1)
    bad(name, 'a whole number of bytes, at least 1');
  s.maxDecompressedBytes = number;
};

const SETTERS: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  ['insist', () => {}],
  ['ssl', flag('tls')],
  ['tls', flag('tls')],
  ['connect_timeout', duration('connectTimeoutMs', 1000)],
  ['connectTimeoutMs', duration('connectTimeoutMs', 1)],
  ['heartbeat', duration('heartbeatMs', 1000)],
  ['heartbeatMs', duration('heartbeatMs', 1)],
  ['login_method', setLogin],
  ['loginMethod', setLogin],
  ['virtual_host', setVirtualHost],
  ['virtualHost', setVirtualHost],
  ['failover_strategy', setFailover],
  ['failoverStrategy', setFailover],
  ['maxDecompressedBytes', setLimit],
  ['reconnect', flag('reconnect')],
]);

/** The parameters that every URL may have. */
export const CONNECTION_PARAMETERS: readonly string[] = [...SETTERS.keys(), ...SSL_PARAMETERS];

/** Parts of the URL, and options that cannot be written in one. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...['transport', 'hostname', 'port', 'userid', 'password'].map(
    (name) => [name, 'is a part of the URL itself'] as const,
  ),
  ...['transportOptions', 'transport_options', 'registry', 'logger'].map(
    (name) => [name, 'cannot be given in a URL'] as const,
  ),
]);

/**
 * Sorts the parameters of a URL: Kombu's snake_case names with its units (seconds), camelCase names with theirs
 * (milliseconds, said by `Ms`). Names that are not the connection's are left for the transport in `rest`.
 */
export function readUrlParameters(query: Readonly<Record<string, string>>): UrlSettings {
  const settings: UrlSettings = { ssl: Object.create(null), rest: Object.create(null) };
  for (const [name, value] of Object.entries(query)) {
    const set = SETTERS.get(name);
    const elsewhere = ELSEWHERE.get(name);
    if (set !== undefined) set(settings, value, name);
    else if (elsewhere !== undefined) throw new InvalidOptionError(`the URL parameter '${name}' ${elsewhere}`);
    else if (name === 'connectTimeout') throw bareDuration('the URL', name, 'connectTimeoutMs', 'connect_timeout');
    else if (name.startsWith('ssl_')) settings.ssl[name] = value;
    else settings.rest[name] = value;
  }
  checkSslParameters(settings.ssl);
  return settings;
}

import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { CompressionRegistry } from '../codec/compression-registry.js';
import type { SerializerRegistry } from '../codec/serializer-registry.js';
import { InvalidOptionError } from '../errors/index.js';
import type { Transport } from '../transport/transport.js';
import { checkOptionNames, milliseconds, text, wholeNumber } from '../util/check-options.js';
import type { Clock } from '../util/clock.js';
import type { Logger } from '../util/logger.js';
import { didYouMean } from '../util/nearest.js';
import type { FailoverStrategy } from './failover.js';
import type { TransportRegistry } from './registry.js';
import type { RetryPolicy } from './retry.js';
import { parseUrl, schemeOf } from './url.js';
import { readUrlParameters, type UrlSettings } from './url-parameters.js';

/** How an AMQP client proves who it is. */
export type LoginMethod = 'PLAIN' | 'AMQPLAIN' | 'EXTERNAL';

/**
 * Options of a Connection. Where the URL says the same, the URL wins. An unknown name is an InvalidOptionError that says the
 * nearest one.
 */
export interface ConnectionOptions<O extends object = object> {
  /** The transport itself, or a scheme to find it by. Default: found by the scheme of the URL. */
  readonly transport?: Transport<O> | string | undefined;
  /** Where transports are found. Default: the process-wide registry that `registerTransport` adds to. */
  readonly registry?: TransportRegistry | undefined;
  readonly hostname?: string | undefined;
  readonly port?: number | undefined;
  readonly userid?: string | undefined;
  readonly password?: string | undefined;
  readonly virtualHost?: string | undefined;
  /** True: TLS with Node's defaults, which verify the broker's certificate; or options for Node's `tls.connect`. */
  readonly tls?: boolean | TlsOptions | undefined;
  /** How long connecting to one URL may take, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /** How often the link is probed, in milliseconds; 0: never. Default: the transport's (amqp 60000). */
  readonly heartbeatMs?: number | undefined;
  /** AMQP only. Default PLAIN. */
  readonly loginMethod?: LoginMethod | undefined;
  /** How the next of several URLs is chosen. Default `round-robin`. */
  readonly failoverStrategy?: FailoverStrategy | undefined;
  /** Options of the transport, see its page. */
  readonly transportOptions?: Partial<NoInfer<O>> | undefined;
  /**
   * How a lost link is replaced; false: not by itself. Default: for ever, with random waits of up to 100 ms at first, growing
   * to 10 s.
   */
  readonly reconnect?: RetryPolicy | boolean | undefined;
  /** Where the connection writes what it has to say. Default: nowhere. */
  readonly logger?: Logger | undefined;
  /** The largest body in bytes that decompressing may make. Default 64 MiB. */
  readonly maxDecompressedBytes?: number | undefined;
  /** How values become bytes. Default: the process-wide serializers. */
  readonly serializers?: SerializerRegistry | undefined;
  /** How bodies are compressed. Default: the process-wide compressions. */
  readonly compressions?: CompressionRegistry | undefined;
  /** Where time comes from; for tests. */
  readonly clock?: Clock | undefined;
}

const NAMES: ReadonlySet<string> = new Set([
  'transport',
  'registry',
  'hostname',
  'port',
  'userid',
  'password',
  'virtualHost',
  'tls',
  'connectTimeoutMs',
  'heartbeatMs',
  'loginMethod',
  'failoverStrategy',
  'transportOptions',
  'reconnect',
  'logger',
  'maxDecompressedBytes',
  'serializers',
  'compressions',
  'clock',
]);

const LOGIN_METHODS = ['PLAIN', 'AMQPLAIN', 'EXTERNAL'];

/** One URL, parsed and merged with the arguments, before its transport is known. */
export interface BrokerPlan {
  readonly url: string;
  readonly scheme: string;
  readonly hostname: string | undefined;
  readonly port: number | undefined;
  readonly userid: string | undefined;
  readonly password: string | undefined;
  readonly virtualHost: string | undefined;
  readonly tls: boolean | undefined;
  readonly tlsOptions: TlsOptions;
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number | undefined;
  readonly loginMethod: string | undefined;
  readonly settings: UrlSettings;
}

/** Checks the arguments of a Connection; nothing is connected to or read. */
export function checkConnectionOptions(options: unknown): asserts options is ConnectionOptions {
  const owner = 'Connection';
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('the options of a Connection must be an object');
  // Kombu's name, too short to be guessed from.
  if ('ssl' in options) throw new InvalidOptionError(`${owner} has no option 'ssl'; did you mean 'tls'?`);
  checkOptionNames(owner, options, NAMES);
  const o = options as Record<keyof ConnectionOptions, unknown>;
  for (const name of ['hostname', 'userid', 'password', 'virtualHost'] as const) text(owner, name, o[name], '');
  wholeNumber(owner, 'port', o.port, 0, 65535);
  milliseconds(owner, 'connectTimeoutMs', o.connectTimeoutMs, 1);
  milliseconds(owner, 'heartbeatMs', o.heartbeatMs);
  wholeNumber(owner, 'maxDecompressedBytes', o.maxDecompressedBytes, 1);
  checkedLogin(o.loginMethod);
  const { transport, tls, transportOptions } = o;
  if (
    transport !== undefined &&
    typeof transport !== 'string' &&
    typeof (transport as Transport)?.connect !== 'function'
  ) {
    throw new InvalidOptionError("Connection: 'transport' must be a Transport or its name");
  }
  if (tls !== undefined && typeof tls !== 'boolean' && (typeof tls !== 'object' || tls === null)) {
    throw new InvalidOptionError("Connection: 'tls' must be true, false or an object");
  }
  if (transportOptions !== undefined && (typeof transportOptions !== 'object' || transportOptions === null)) {
    throw new InvalidOptionError("Connection: 'transportOptions' must be an object");
  }
}

function checkedLogin(method: unknown): string | undefined {
  if (method === undefined || LOGIN_METHODS.includes(method as string)) return method as string | undefined;
  throw new InvalidOptionError(
    `the login method must be one of ${LOGIN_METHODS.join(', ')}${didYouMean(method, LOGIN_METHODS)}`,
  );
}

/**
 * Reads one entry of the failover list, a URL or a plain `host[:port]`, and fills in from the arguments what it is silent
 * about.
 *
 * @param inherited the scheme of an entry that has none.
 */
export function planBroker(entry: string, options: ConnectionOptions, inherited: string): BrokerPlan {
  const url = schemeOf(entry) === undefined ? `${inherited}://${entry}` : entry;
  const parsed = parseUrl(url);
  const settings = readUrlParameters(parsed.query);
  if (settings.virtualHost !== undefined && parsed.virtualHost !== undefined) {
    throw new InvalidOptionError("the URL parameter 'virtual_host' says again what the URL's path says");
  }
  const { tls } = options;
  return {
    url,
    scheme: parsed.transport,
    hostname: parsed.hostname ?? options.hostname ?? undefined,
    port: parsed.port ?? options.port ?? undefined,
    userid: parsed.userid ?? options.userid ?? undefined,
    password: parsed.password ?? options.password ?? undefined,
    virtualHost: parsed.virtualHost ?? settings.virtualHost ?? options.virtualHost ?? undefined,
    tls: settings.tls ?? (Object.keys(settings.ssl).length > 0 || (typeof tls === 'object' ? true : tls)),
    tlsOptions: typeof tls === 'object' ? tls : {},
    connectTimeoutMs: Math.max(1, settings.connectTimeoutMs ?? options.connectTimeoutMs ?? 5000),
    heartbeatMs: settings.heartbeatMs ?? options.heartbeatMs ?? undefined,
    loginMethod: checkedLogin(settings.loginMethod) ?? options.loginMethod,
    settings,
  };
}

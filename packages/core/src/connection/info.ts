import type { BrokerPlan, ConnectionOptions } from './options.js';
import { KNOWN_SCHEMES } from './schemes.js';
import { formatMasked, formatUrl, isSecretName, sanitizeUrl } from './url.js';

/** What a connection is like, fit for JSON: `connection.info()`. There is no password in it. */
export interface ConnectionInfo {
  /** The scheme of the URL in use. */
  readonly transport: string;
  readonly hostname: string | null;
  readonly port: number | null;
  readonly userid: string | null;
  readonly virtualHost: string | null;
  readonly tls: boolean;
  readonly connectTimeoutMs: number;
  /** Null: the transport's default. */
  readonly heartbeatMs: number | null;
  readonly loginMethod: string | null;
  readonly failoverStrategy: string;
  /** All URLs, without their passwords. */
  readonly alternates: readonly string[];
  /** What was given; secrets are masked, and what JSON has no form for is named by its kind. */
  readonly transportOptions: Readonly<Record<string, unknown>>;
}

/** A plan with what its scheme stands for filled in: `amqp://h` is `amqp://h:5672//`. */
export function withSchemeDefaults(plan: BrokerPlan): Pick<BrokerPlan, 'hostname' | 'port' | 'virtualHost'> {
  const known = KNOWN_SCHEMES.get(plan.scheme);
  const network = known?.defaultPort !== undefined;
  const { hostname = network ? 'localhost' : undefined } = plan;
  return {
    hostname,
    // In a 'host1:1,host2:2' list each has its own.
    port: plan.port ?? (hostname?.includes(',') ? undefined : known?.defaultPort),
    virtualHost: plan.virtualHost ?? (known?.transport === 'amqp' ? '/' : undefined),
  };
}

/** `host:port`, the host alone where there is no port. */
export function hostOf(plan: BrokerPlan): string {
  const { hostname = '', port } = withSchemeDefaults(plan);
  const host = hostname.includes(':') && !hostname.includes(',') ? `[${hostname}]` : hostname;
  return port === undefined ? host : `${host}:${port}`;
}

/** The URL of a plan, its password masked unless asked for. */
export function uriOf(plan: BrokerPlan, includePassword: boolean, mask: string): string {
  const { scheme: transport, userid, password } = plan;
  const parts = { transport, userid, password, ...withSchemeDefaults(plan) };
  const { hostname = '', virtualHost } = parts;
  // A socket's path takes the place of the path, so that the virtual host is a parameter.
  const socket = transport.includes('+') && hostname.startsWith('/');
  const query: Record<string, string> = socket && virtualHost !== undefined ? { virtual_host: virtualHost } : {};
  const whole = { ...parts, virtualHost: socket ? undefined : virtualHost, query };
  return includePassword ? formatUrl(whole) : formatMasked(whole, mask);
}

export function infoOf(plan: BrokerPlan, entries: readonly string[], options: ConnectionOptions): ConnectionInfo {
  const { hostname, port, virtualHost } = withSchemeDefaults(plan);
  const strategy = plan.settings.failoverStrategy ?? options.failoverStrategy ?? 'round-robin';
  return {
    transport: plan.scheme,
    hostname: hostname ?? null,
    port: port ?? null,
    userid: plan.userid ?? null,
    virtualHost: virtualHost ?? null,
    tls: plan.tls === true || ['amqps', 'rediss', 'etcds'].includes(plan.scheme),
    connectTimeoutMs: plan.connectTimeoutMs,
    heartbeatMs: plan.heartbeatMs ?? null,
    loginMethod: plan.loginMethod ?? null,
    failoverStrategy: typeof strategy === 'function' ? 'custom' : strategy,
    alternates: entries.map((entry) => sanitizeUrl(entry)),
    transportOptions: plainOf(options.transportOptions ?? {}, 0) as Record<string, unknown>,
  };
}

/** A value as JSON can have it, without secrets. */
function plainOf(value: unknown, depth: number): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 5 || value instanceof Uint8Array) return '[object]';
  if (Array.isArray(value)) return value.map((item) => plainOf(item, depth + 1));
  const plain: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const shown = isSecretName(name) && item !== undefined ? '**' : plainOf(item, depth + 1);
    Object.defineProperty(plain, name, { value: shown, enumerable: true, configurable: true, writable: true });
  }
  return plain;
}

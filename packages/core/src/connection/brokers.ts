import { InvalidOptionError, NotBoundError } from '../errors/index.js';
import type { BrokerTarget, Transport, TransportContext } from '../transport/transport.js';
import type { Clock } from '../util/clock.js';
import { assuming, connectError } from './connect-errors.js';
import { withDeadline } from './deadlines.js';
import { checkedStrategy, Failover } from './failover.js';
import { type BrokerPlan, type ConnectionOptions, planBroker } from './options.js';
import { type TransportRegistry, unknownScheme } from './registry.js';
import { KNOWN_SCHEMES } from './schemes.js';
import { Session } from './session.js';
import { loadTls } from './tls.js';
import { checkTransportOptions, readTransportParameters, resolveTransportOptions } from './transport-options.js';
import { formatMasked, formatUrl, schemeOf, splitUrls } from './url.js';
import { CONNECTION_PARAMETERS } from './url-parameters.js';

/** The brokers that a connection may connect to: its URLs, merged with its options, and which of them is the current one. */
export class Brokers {
  readonly #options: ConnectionOptions;
  readonly #registry: TransportRegistry;
  readonly #inherited: string;
  readonly #plans = new Map<string, BrokerPlan>();
  #failover: Failover;
  /** The URL is the default one, because none was given. */
  #isDefault: boolean;

  /** Checks everything that can be checked without loading a transport. */
  constructor(url: string | readonly string[] | undefined, options: ConnectionOptions, registry: TransportRegistry) {
    this.#options = options;
    this.#registry = registry;
    this.#isDefault = url === undefined;
    const entries = url === undefined ? [defaultUrl(options)] : splitUrls(url);
    this.#inherited = entries.map(schemeOf).find((scheme) => scheme !== undefined) ?? nameOf(options) ?? 'amqp';
    for (const entry of entries) this.#precheck(this.plan(entry));
    const strategy = this.#plans.get(entries[0] ?? '')?.settings.failoverStrategy ?? options.failoverStrategy;
    this.#failover = new Failover(entries, checkedStrategy(strategy));
  }

  get failover(): Failover {
    return this.#failover;
  }

  /** The broker in use, or to be used next. */
  get current(): BrokerPlan {
    return this.plan(this.#failover.current);
  }

  get entries(): readonly string[] {
    return this.#failover.urls;
  }

  /** One entry of the list, parsed and merged. */
  plan(entry: string): BrokerPlan {
    let plan = this.#plans.get(entry);
    if (plan === undefined) {
      plan = planBroker(entry, this.#options, this.#inherited);
      this.#plans.set(entry, plan);
    }
    return plan;
  }

  /** Uses these URLs from now on. */
  switchTo(url: string | readonly string[]): void {
    const entries = splitUrls(url);
    const failover = new Failover(entries, checkedStrategy(this.#options.failoverStrategy));
    for (const entry of entries) this.#precheck(this.plan(entry));
    this.#failover = failover;
    this.#isDefault = false;
  }

  /** The transport of a plan, if it need not be loaded. */
  loaded(plan: BrokerPlan): Transport | undefined {
    const { transport } = this.#options;
    if (typeof transport === 'object') return fitting(transport, plan);
    const found = this.#registry.get(transport?.toLowerCase() ?? plan.scheme);
    return found === undefined ? undefined : fitting(found, plan);
  }

  /** The transport of the current broker; NotBoundError when it is not loaded yet. */
  loadedNow(): Transport {
    const transport = this.loaded(this.current);
    if (transport !== undefined) return transport;
    throw new NotBoundError(
      'what the transport can do is known once it is loaded: await connection.connect() first, or pass { transport }',
    );
  }

  async load(plan: BrokerPlan): Promise<Transport> {
    const { transport } = this.#options;
    if (typeof transport === 'object') return fitting(transport, plan);
    const loading = this.#registry.load(transport?.toLowerCase() ?? plan.scheme);
    return fitting(await loading.catch((error) => Promise.reject(assuming(error, this.#assumed))), plan);
  }

  /** The list to walk when connecting: a single entry where the transport takes all URLs as one broker. */
  async readyFailover(): Promise<Failover> {
    const plan = this.current;
    const transport = await this.load(plan);
    if (this.#failover.length > 1 && transport.takesAllUrls?.includes(plan.scheme)) {
      return new Failover([this.#failover.current], 'round-robin');
    }
    return this.#failover;
  }

  /** Opens a link to one entry. */
  async dial(
    entry: string,
    generation: number,
    signal: AbortSignal,
    clock: Clock,
    context: Omit<TransportContext, 'signal' | 'clock'>,
  ): Promise<Session> {
    const plan = this.plan(entry);
    const transport = await this.load(plan);
    const target = await this.#target(plan, transport);
    const shown = shownUrl(plan);
    try {
      const link = await withDeadline(
        { signal, timeoutMs: plan.connectTimeoutMs },
        clock,
        `connecting to ${shown}`,
        (s) => transport.connect(target, { ...context, clock, signal: s as AbortSignal }),
        (late) => late.destroy(),
      );
      return new Session(generation, transport, target, link, clock.monotonic());
    } catch (error) {
      throw signal.aborted ? error : assuming(connectError(error, { ...plan, shown }), this.#assumed);
    }
  }

  /** What nobody has said about the broker: the first thing to look at when it cannot be reached. */
  get #assumed(): string | undefined {
    if (this.#options.transport !== undefined) return undefined;
    if (this.#isDefault) return 'no URL was given, so this is the default one';
    if (this.entries.some((entry) => schemeOf(entry) !== undefined)) return undefined;
    return "the URL does not begin with its transport, such as 'redis://', so it was taken for 'amqp://'";
  }

  #precheck(plan: BrokerPlan): void {
    const { transport } = this.#options;
    const scheme = typeof transport === 'string' ? transport.toLowerCase() : plan.scheme;
    if (typeof transport !== 'object' && !this.#registry.has(scheme))
      throw unknownScheme(scheme, this.#registry.schemes());
    const loaded = this.loaded(plan);
    if (loaded === undefined) return;
    readTransportParameters(loaded, plan.settings.rest, CONNECTION_PARAMETERS);
    checkTransportOptions(loaded, this.#options.transportOptions ?? {});
  }

  async #target(plan: BrokerPlan, transport: Transport): Promise<BrokerTarget> {
    const all: BrokerTarget[] = [];
    if (transport.takesAllUrls?.includes(plan.scheme) !== true) {
      const target = await this.#targetOf(plan, transport, all);
      all.push(target);
      return target;
    }
    for (const entry of this.entries) all.push(await this.#targetOf(this.plan(entry), transport, all));
    return all[Math.max(0, this.entries.indexOf(this.#failover.current))] as BrokerTarget;
  }

  async #targetOf(plan: BrokerPlan, transport: Transport, all: readonly BrokerTarget[]): Promise<BrokerTarget> {
    const given = checkTransportOptions(transport, this.#options.transportOptions ?? {});
    const fromUrl = readTransportParameters(transport, plan.settings.rest, CONNECTION_PARAMETERS);
    const { scheme, hostname, port, userid, password, virtualHost, connectTimeoutMs, heartbeatMs, loginMethod } = plan;
    return {
      scheme,
      url: plan.url,
      hostname,
      port,
      userid,
      password,
      virtualHost,
      tls: usesTls(plan, transport) ? await loadTls(plan.settings.ssl, plan.tlsOptions) : undefined,
      connectTimeoutMs,
      heartbeatMs,
      loginMethod,
      options: resolveTransportOptions(transport, given, fromUrl),
      all,
    };
  }
}

/** `amqps`, `rediss`: the scheme that is another one of the same transport with an `s` is that one over TLS. */
function usesTls(plan: BrokerPlan, transport: Transport): boolean {
  const { scheme } = plan;
  const implied = scheme.endsWith('s') && transport.schemes.includes(scheme.slice(0, -1));
  if (implied && plan.tls === false)
    throw new InvalidOptionError(`${scheme}:// is TLS, which 'tls: false' contradicts`);
  return implied || plan.tls === true;
}

function fitting(transport: Transport, plan: BrokerPlan): Transport {
  if (transport.schemes.includes(plan.scheme)) return withOneHost(transport, plan);
  throw new InvalidOptionError(
    `the ${transport.name} transport does not take ${plan.scheme}:// URLs, but ${transport.schemes.map((s) => `${s}://`).join(', ')}`,
  );
}

/** A list of hosts with commas is no host name, except to the brokers whose own URLs have such lists. */
function withOneHost(transport: Transport, { scheme, hostname }: BrokerPlan): Transport {
  // What begins with a slash is the path of a socket.
  const isList = hostname?.includes(',') === true && !hostname.startsWith('/');
  if (!isList || transport.takesHostLists?.includes(scheme)) return transport;
  throw new InvalidOptionError(
    `the ${scheme}:// URL has several hosts with ',' between them; write a URL for each host and ';' between the URLs, such as '${scheme}://host1;${scheme}://host2'`,
  );
}

function nameOf({ transport }: ConnectionOptions): string | undefined {
  return typeof transport === 'object' ? transport.schemes[0] : transport?.toLowerCase();
}

/** The URL of a connection that was given none. */
function defaultUrl(options: ConnectionOptions): string {
  const transport = nameOf(options) ?? 'amqp';
  if (KNOWN_SCHEMES.get(transport)?.transport !== 'amqp') return `${transport}://`;
  const anonymous =
    options.userid === undefined && options.password === undefined && options.loginMethod !== 'EXTERNAL';
  return formatUrl({
    transport,
    userid: anonymous ? 'guest' : options.userid,
    password: anonymous ? 'guest' : options.password,
    hostname: options.hostname ?? 'localhost',
    port: options.port ?? (options.tls ? 5671 : KNOWN_SCHEMES.get(transport)?.defaultPort),
    virtualHost: options.virtualHost ?? '/',
  });
}

/** A plan as a URL for logs and errors. */
export function shownUrl(plan: BrokerPlan, mask = '**'): string {
  const { scheme: transport, hostname, port, userid, password, virtualHost } = plan;
  return formatMasked({ transport, hostname, port, userid, password, virtualHost }, mask);
}

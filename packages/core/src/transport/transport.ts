import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { KombuError } from '../errors/index.js';
import type { Clock } from '../util/clock.js';
import type { Logger } from '../util/logger.js';
import type { TransportCapabilities } from './capabilities.js';
import type { Channel, ChannelEvents, Op } from './channel.js';
import type { OptionSpecs } from './options.js';

/** One broker to connect to: a parsed URL, merged with the arguments of the Connection, everything checked. */
export interface BrokerTarget<O extends object = object> {
  /** Lower-case scheme, such as `redis` or `redis+socket`. */
  readonly scheme: string;
  /** The URL as given, password included: for drivers that parse URLs themselves. Never log it. */
  readonly url: string;
  /** Host name, or for `X+rest://` schemes what stands after the scheme. Undefined: not given. */
  readonly hostname: string | undefined;
  readonly port: number | undefined;
  readonly userid: string | undefined;
  readonly password: string | undefined;
  readonly virtualHost: string | undefined;
  /** Undefined: no TLS. */
  readonly tls: TlsOptions | undefined;
  readonly connectTimeoutMs: number;
  /** Undefined: the transport's default; 0: off. */
  readonly heartbeatMs: number | undefined;
  readonly loginMethod: string | undefined;
  /** The transport's own options with defaults filled in. */
  readonly options: O;
  /** Every URL of the connection as a target of its own, for transports with `takesAllUrls`; else just this one. */
  readonly all: readonly BrokerTarget<O>[];
}

/** What a transport gets from its connection. */
export interface TransportContext {
  /** Aborted when connecting is to end. It does not speak for the time after. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Names this Connection, the same over all of its links. */
  readonly connectionId: string;
  /** Something to tell the user of once, such as an option that has no effect here. */
  warn(error: KombuError): void;
  /** The broker has stopped taking messages (an alarm), or takes them again. */
  blocked(reason: string): void;
  unblocked(): void;
}

/** A link to the broker. */
export interface TransportConnection {
  /** Resolves once, when the link is gone: with the reason, or with undefined after close(). Never rejects. */
  readonly closed: Promise<KombuError | undefined>;
  /** The raw client of the driver library: an escape hatch. */
  readonly driver: unknown;
  /** The version of the broker, where it tells. */
  readonly serverVersion?: string | undefined;
  /** How often the link is probed, as agreed with the broker; 0: never. Undefined: as asked for. */
  readonly heartbeatMs?: number | undefined;
  /** What this very server can do, where that differs from the transport's capabilities. */
  readonly capabilities?: TransportCapabilities | undefined;
  openChannel(events: ChannelEvents, o?: Op): Promise<Channel>;
  close(): Promise<void>;
  /** Lets go of everything at once, without I/O. */
  destroy(): void;
}

/** A kind of broker. Stateless: everything that lives is in its connections. */
export interface Transport<O extends object = object> {
  readonly name: string;
  readonly schemes: readonly string[];
  /** What it speaks and with which library, for `connection.transport`. */
  readonly driverType: string;
  readonly driverName: string;
  /** The version of that library, where it is known. */
  readonly driverVersion?: string | undefined;
  readonly defaultPort: number | undefined;
  readonly capabilities: TransportCapabilities;
  /** Its own options, by name. */
  readonly options: OptionSpecs<O>;
  /** sentinel, zookeeper, mongodb: the whole `;` list is one broker, not failover alternates. */
  readonly takesAllUrls?: readonly string[];
  /**
   * mongodb: schemes whose URLs may name several hosts, as `host1:1,host2:2`; that is the `hostname` of the target then. Any other
   * such URL is refused.
   */
  readonly takesHostLists?: readonly string[];
  connect(target: BrokerTarget<O>, context: TransportContext): Promise<TransportConnection>;
}

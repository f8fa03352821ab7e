import type { TransportCapabilities } from '../transport/capabilities.js';
import type { OptionSpecs } from '../transport/options.js';
import type { BrokerTarget, TransportContext } from '../transport/transport.js';
import type { VirtualDriver } from './driver.js';
import type { ExchangeKind } from './exchange-kinds.js';

/** The transport options that every virtual transport has. */
export interface VirtualOptions {
  /** How bodies are written inside the envelope. `base64` (default) is what every Python reads. */
  bodyEncoding?: 'base64' | 'utf-8';
  /** The longest time in milliseconds between two looks at a queue, where the store cannot tell of new messages. Default 1000. */
  pollingIntervalMs?: number;
  /** A queue that takes what no binding takes, with a warning event. Default: none. */
  deadletterQueue?: string;
  /** How long a dead consumer's messages stay hidden, in milliseconds; renewed while it lives. Default 60000. */
  leaseMs?: number;
  /** How many messages one consumer may hold unsettled when its prefetch is 0 (no limit). Default 10000. */
  maxUnacked?: number;
  /** How many publishes may wait for the broker at once on one channel; above it publish rejects with BUFFER_FULL. Default 10000. */
  maxInFlight?: number;
}

/** What the author of a virtual transport writes. */
export interface VirtualTransportSpec<O extends object = object> {
  readonly name: string;
  readonly schemes: readonly string[];
  /** Default: the name. */
  readonly driverType?: string;
  /** The npm package that talks to the broker. */
  readonly driverName: string;
  readonly defaultPort?: number;
  /** Schemes whose whole `;` list is one broker. */
  readonly takesAllUrls?: readonly string[];
  /** Schemes whose URLs may name several hosts, as `host1:1,host2:2`. Default: none. */
  readonly takesHostLists?: readonly string[];
  /** Its own options; those of {@link VirtualOptions} are added. */
  readonly options: OptionSpecs<O>;
  /**
   * What the store can do; core adds what it does itself. When a link is opened, the driver's optional members are held
   * against this: a capability without its member, or a member that is not declared, is an error of the transport's author.
   */
  readonly capabilities: Pick<
    TransportCapabilities,
    'fanout' | 'priorities' | 'order' | 'scope' | 'topology' | 'presence' | 'lease' | 'durable' | 'delivery'
  > &
    Partial<TransportCapabilities>;
  /** Exchange types beside direct, topic, fanout and headers. */
  readonly exchangeKinds?: readonly ExchangeKind[];
  /** What the driver stores: the JSON envelope as text, or the message as an object. Default `envelope`. */
  readonly payload?: 'envelope' | 'object';
  /**
   * Where declarations live in this process (no `driver.topology`): names the broker, so that all Connections to it share them.
   * Default: host, port, virtual host and user.
   */
  brokerKey?(target: BrokerTarget<O & VirtualOptions>): string;
  /**
   * Opens a link; rejects with OperationalError or AuthenticationError. Ends early when `context.signal` is aborted. A Connection
   * has filled in the defaults of all options.
   */
  open(target: BrokerTarget<O & VirtualOptions>, context: TransportContext): Promise<VirtualDriver>;
}

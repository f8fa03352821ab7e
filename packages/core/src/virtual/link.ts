import type { KombuError } from '../errors/index.js';
import type { TransportCapabilities } from '../transport/capabilities.js';
import type { Clock } from '../util/clock.js';
import type { Logger } from '../util/logger.js';
import type { BindingCache } from './binding-cache.js';
import type { VirtualDriver } from './driver.js';
import type { ExchangeKind } from './exchange-kinds.js';
import type { PresenceStore } from './presence-store.js';
import type { RouteFinder } from './router.js';
import type { TopologyStore } from './topology-store.js';
import type { ResolvedVirtualOptions } from './virtual-options.js';

/** What all parts of one link share. */
export interface Link {
  readonly transport: string;
  readonly driver: VirtualDriver;
  /** Whether the driver stores messages as objects; else as JSON envelopes. */
  readonly storesObjects: boolean;
  readonly options: ResolvedVirtualOptions;
  readonly capabilities: TransportCapabilities;
  readonly kinds: ReadonlyMap<string, ExchangeKind>;
  readonly topology: TopologyStore;
  readonly presence: PresenceStore;
  /** Whether everybody who may use a queue is seen in `presence`: only then are unused queues deleted. */
  readonly seesEverybody: boolean;
  readonly bindings: BindingCache;
  readonly routes: RouteFinder;
  readonly connectionId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  warn(error: KombuError): void;
}

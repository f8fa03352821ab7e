import { InconsistencyError } from '../errors/index.js';
import type { OptionSpecs } from '../transport/options.js';
import type { BrokerTarget, Transport, TransportConnection, TransportContext } from '../transport/transport.js';
import { BindingCache } from './binding-cache.js';
import { checkDriver, virtualCapabilities } from './capabilities.js';
import { CarryOver } from './carry-over.js';
import type { VirtualDriver } from './driver.js';
import { type ExchangeKind, standardKinds } from './exchange-kinds.js';
import type { Link } from './link.js';
import { createLocalPresence } from './local-presence.js';
import { createLocalTopology } from './local-topology.js';
import type { PresenceStore } from './presence-store.js';
import { RouteFinder } from './router.js';
import type { TopologyStore } from './topology-store.js';
import type { VirtualOptions, VirtualTransportSpec } from './transport-spec.js';
import { VirtualConnection } from './virtual-connection.js';
import { resolveVirtualOptions, virtualOptionSpecs } from './virtual-options.js';

/** Declarations that live in this process, of one broker. */
interface LocalState {
  readonly topology: TopologyStore;
  readonly presence: PresenceStore;
}

function brokerKey(target: BrokerTarget<object>): string {
  return JSON.stringify([target.hostname, target.port, target.virtualHost, target.userid]);
}

/**
 * Makes a transport of a driver: what the broker does not have of AMQP's model (exchanges, bindings, expiry, dead-lettering,
 * prefetch, consumers) is done here, over the few atomic steps of {@link VirtualDriver}.
 *
 * @throws InconsistencyError from `connect` when the driver is not what `spec.capabilities` say
 */
export function defineVirtualTransport<O extends object = object>(
  spec: VirtualTransportSpec<O>,
): Transport<O & VirtualOptions> {
  const capabilities = virtualCapabilities(spec);
  const kinds: ReadonlyMap<string, ExchangeKind> = new Map(
    [...standardKinds, ...(spec.exchangeKinds ?? [])].map((kind) => [kind.type, kind]),
  );
  const carryOver = new CarryOver();
  const locals = new Map<string, LocalState>();

  const localOf = (target: BrokerTarget<O & VirtualOptions>, context: TransportContext): LocalState => {
    const key = spec.brokerKey?.(target) ?? brokerKey(target);
    let local = locals.get(key);
    if (local === undefined) {
      local = { topology: createLocalTopology(), presence: createLocalPresence(context.clock) };
      locals.set(key, local);
    }
    return local;
  };

  const linkOf = (driver: VirtualDriver, target: BrokerTarget<O & VirtualOptions>, context: TransportContext): Link => {
    const local = driver.topology && driver.presence ? undefined : localOf(target, context);
    const topology = driver.topology ?? (local as LocalState).topology;
    const presence = driver.presence ?? (local as LocalState).presence;
    const storesObjects = spec.payload === 'object';
    if (storesObjects && topology.view === undefined) {
      throw new InconsistencyError(
        `transport '${spec.name}' stores objects, so its topology must be one of this process`,
      );
    }
    const bindings = new BindingCache(topology, kinds, () => context.clock.monotonic());
    return {
      transport: spec.name,
      driver,
      storesObjects,
      options: resolveVirtualOptions(target.options),
      capabilities,
      kinds,
      topology,
      presence,
      seesEverybody: capabilities.presence === 'broker' || capabilities.scope === 'process',
      bindings,
      routes: new RouteFinder(bindings, (driver.broadcast ?? driver.fanout) !== undefined),
      connectionId: context.connectionId,
      clock: context.clock,
      logger: context.logger,
      warn: (error) => context.warn(error),
    };
  };

  return {
    name: spec.name,
    schemes: spec.schemes,
    driverType: spec.driverType ?? spec.name,
    driverName: spec.driverName,
    defaultPort: spec.defaultPort,
    capabilities,
    options: { ...virtualOptionSpecs, ...spec.options } as OptionSpecs<O & VirtualOptions>,
    ...(spec.takesAllUrls === undefined ? {} : { takesAllUrls: spec.takesAllUrls }),
    ...(spec.takesHostLists === undefined ? {} : { takesHostLists: spec.takesHostLists }),
    async connect(target, context): Promise<TransportConnection> {
      const driver = await spec.open(target, context);
      try {
        checkDriver(spec.name, capabilities, driver);
        return new VirtualConnection(linkOf(driver, target, context), carryOver);
      } catch (error) {
        driver.destroy();
        throw error;
      }
    },
  };
}

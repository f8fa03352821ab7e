import { InconsistencyError } from '../errors/index.js';
import type { TransportCapabilities } from '../transport/capabilities.js';
import type { VirtualDriver } from './driver.js';
import { standardKinds } from './exchange-kinds.js';
import type { VirtualTransportSpec } from './transport-spec.js';

/** What a store can do, together with what core does over any store. */
export function virtualCapabilities(
  spec: Pick<VirtualTransportSpec, 'capabilities' | 'exchangeKinds'>,
): TransportCapabilities {
  const own = spec.capabilities;
  const everybody = own.presence === 'broker' || own.scope === 'process';
  const shared = own.topology === 'broker' || own.scope === 'process';
  return {
    exchangeTypes: [...standardKinds, ...(spec.exchangeKinds ?? [])].map((kind) => kind.type),
    exchangeBindings: true,
    messageTtl: true,
    queueTtl: true,
    queueExpiry: everybody,
    maxLength: false,
    deadLetter: true,
    mandatory: true,
    confirms: true,
    settleAfterReconnect: own.lease === 'message' || own.lease === 'server',
    bindingsMaxAgeMs: shared ? 0 : Number.POSITIVE_INFINITY,
    maxBodyBytes: undefined,
    ttlGranularityMs: 1,
    exclusiveConsumers: everybody,
    consumerPriority: false,
    noLocal: false,
    ...own,
  };
}

/** Throws InconsistencyError where a driver is not what its transport's capabilities say. */
export function checkDriver(transport: string, capabilities: TransportCapabilities, driver: VirtualDriver): void {
  const { scope, topology, presence, fanout, lease, priorities } = capabilities;
  const rules: readonly (readonly [boolean, string])[] = [
    [topology === 'broker' && driver.topology === undefined, "topology: 'broker' without driver.topology"],
    [
      topology !== 'broker' && scope === 'broker' && driver.topology !== undefined,
      "driver.topology without topology: 'broker'",
    ],
    [presence === 'broker' && driver.presence === undefined, "presence: 'broker' without driver.presence"],
    [
      presence !== 'broker' && scope === 'broker' && driver.presence !== undefined,
      "driver.presence without presence: 'broker'",
    ],
    [
      (fanout === 'subscribers') !== (driver.broadcast !== undefined),
      "fanout: 'subscribers' and driver.broadcast go together",
    ],
    [driver.fanout !== undefined && fanout !== 'queues', "driver.fanout without fanout: 'queues'"],
    [lease !== driver.limits.lease, `lease: '${lease}', but limits.lease: '${driver.limits.lease}'`],
    [lease === 'message' && driver.extend === undefined, "lease: 'message' without driver.extend"],
    [lease === 'message' && driver.recover === undefined, "lease: 'message' without driver.recover"],
    [
      priorities !== driver.limits.priorities,
      `priorities: ${priorities}, but limits.priorities: ${driver.limits.priorities}`,
    ],
    [driver.limits.maxBatch < 1 || driver.limits.queuesPerReserve < 1, 'limits of less than 1'],
  ];
  for (const [broken, what] of rules) {
    if (broken) throw new InconsistencyError(`transport '${transport}' contradicts its driver: ${what}`);
  }
}

import { createCompressionRegistry } from './codec/compression-registry.js';
import { createSerializerRegistry } from './codec/serializer-registry.js';
import { createTransportRegistry } from './connection/registry.js';
import { memory } from './memory/memory.js';
import { ObjectIds } from './patterns/helpers/object-ids.js';
import { PoolSet } from './patterns/pools/pool-set.js';
import type { Transport } from './transport/transport.js';

// The process-wide objects; there are no others. Each of them can be replaced, per connection, by an instance of one's own.

/** The transports that connections find by the scheme of their URL. */
export const defaultTransports = createTransportRegistry([memory]);

/** The serializers of every connection that was not given others. */
export const defaultSerializers = createSerializerRegistry();

/** The compressions of every connection that was not given others. */
export const defaultCompressions = createCompressionRegistry();

/** The ids of objects of this process. */
export const defaultObjectIds = new ObjectIds();

/** The pools of everybody who has none of his own. */
export const defaultPools = new PoolSet();

/**
 * Adds a transport to the default registry, under each of its schemes: `new Connection('myscheme://...')` finds it from then on.
 */
export function registerTransport(transport: Transport): void {
  defaultTransports.register(transport);
}

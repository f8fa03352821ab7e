import { defaultPools } from '../../defaults.js';
import type { Connections, Producers } from './groups.js';
import type { PoolGroup } from './pool-group.js';
import type { ResizeOptions } from './resource.js';

/** The process-wide connection pools: `await connections.get(connection).acquire()`. */
export const connections: Connections = defaultPools.connections;

/** The process-wide producer pools: `await producers.get(connection).acquire()`. */
export const producers: Producers = defaultPools.producers;

/** Adds a group of one's own to the process-wide ones; returns it. */
export function registerGroup<G extends PoolGroup<object>>(group: G): G {
  return defaultPools.register(group);
}

/** How many each process-wide pool gives out at a time; 200 at first. */
export function getLimit(): number {
  return defaultPools.limit;
}

/**
 * Changes how many each process-wide pool gives out at a time; 0: no limit.
 *
 * @throws InvalidOptionError when more are in use than it allows, without `force`.
 */
export function setLimit(limit: number, options?: ResizeOptions): Promise<number> {
  return defaultPools.setLimit(limit, options);
}

/** Ends the process-wide pools and everything in them. The next use makes new ones. */
export function resetPools(): Promise<void> {
  return defaultPools.reset();
}

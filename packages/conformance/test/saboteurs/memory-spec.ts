import { memory } from '@kombu/core';
import type { VirtualOptions, VirtualTransportSpec } from '@kombu/core/virtual';
import { Broker, createDriver } from '../../../core/src/memory/memory.js';

/** The memory transport as its author writes it, with one broker of its own: what saboteurs change. */
export function memorySpec(): VirtualTransportSpec<VirtualOptions> {
  const broker = new Broker();
  return {
    name: 'memory',
    schemes: ['memory'],
    driverName: memory.driverName,
    options: memory.options,
    payload: 'object',
    capabilities: memory.capabilities,
    open: async () => createDriver(broker, new Set()),
  };
}

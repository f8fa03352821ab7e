import { defineVirtualTransport } from '@kombu/core/virtual';
import { openSpool, spool } from '../dist/spool-transport/spool.js';

/** The spool transport with one thing wrong: it deletes what it hands out, as if that were the same as hiding it. */
export const lossy = defineVirtualTransport({
  name: 'lossy',
  schemes: ['spool'],
  driverName: 'node:fs',
  options: {},
  capabilities: spool.capabilities,
  async open({ virtualHost }) {
    const driver = openSpool(`/${virtualHost}`);
    return {
      ...driver,
      reserve: (request) => driver.reserve({ ...request, noAck: true }),
      settle: async () => [],
      extend: async () => [],
    };
  },
});

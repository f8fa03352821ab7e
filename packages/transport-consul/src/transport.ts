import type { Transport } from '@kombu/core';
import { defineVirtualTransport, type VirtualOptions } from '@kombu/core/virtual';
import { KeptSessions } from './kept-sessions.js';
import { MAX_BODY_BYTES } from './layout.js';
import { open } from './open.js';
import { type ConsulOptions, consulOptionSpecs } from './options.js';

function createConsulTransport(): Transport<ConsulOptions & VirtualOptions> {
  const sessions = new KeptSessions();
  return defineVirtualTransport<ConsulOptions>({
    name: 'consul',
    schemes: ['consul'],
    driverName: 'consul',
    defaultPort: 8500,
    options: consulOptionSpecs,
    capabilities: {
      fanout: 'queues',
      priorities: 10,
      order: 'fifo',
      scope: 'broker',
      topology: 'broker',
      presence: 'broker',
      lease: 'session',
      // The session outlives a link, and the next link goes on with it.
      settleAfterReconnect: true,
      durable: true,
      delivery: 'exactly-once',
      maxLength: true,
      maxBodyBytes: MAX_BODY_BYTES,
    },
    open: (target, context) => open(target, context, sessions),
  });
}

/**
 * Consul's key-value store as a broker: `consul://127.0.0.1:8500`. The keys of queues and messages are those of Python Kombu's consul
 * transport. A message is held by a lock of the connection's session, so that the server gives back what a dead process held.
 *
 * Needs Consul 1.7 or newer.
 */
export const consul: Transport<ConsulOptions & VirtualOptions> = createConsulTransport();

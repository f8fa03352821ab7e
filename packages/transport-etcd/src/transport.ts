import type { Transport } from '@kombu/core';
import { defineVirtualTransport, type VirtualOptions } from '@kombu/core/virtual';
import { PRIORITIES } from './message-name.js';
import { open } from './open.js';
import { type EtcdOptions, etcdOptionSpecs } from './options.js';
import { MAX_BODY_BYTES } from './put.js';
import { Sessions } from './sessions.js';

function createEtcdTransport(): Transport<EtcdOptions & VirtualOptions> {
  const sessions = new Sessions();
  return defineVirtualTransport<EtcdOptions>({
    name: 'etcd',
    schemes: ['etcd', 'etcds'],
    driverName: 'etcd3',
    defaultPort: 2379,
    options: etcdOptionSpecs,
    capabilities: {
      fanout: 'queues',
      priorities: PRIORITIES,
      order: 'fifo',
      scope: 'broker',
      topology: 'broker',
      presence: 'broker',
      lease: 'session',
      durable: true,
      delivery: 'at-least-once',
      maxBodyBytes: MAX_BODY_BYTES,
    },
    open: (target, context) => open(target, context, sessions),
  });
}

/**
 * etcd 3.4 or newer, by its v3 API: `etcd://` and `etcds://` (TLS) URLs. Several hosts are a failover list; the virtual host is a
 * part of the prefix of all keys.
 */
export const etcd: Transport<EtcdOptions & VirtualOptions> = createEtcdTransport();

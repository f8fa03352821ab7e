import type { Transport } from '@kombu/core';
import { defineVirtualTransport, type VirtualOptions } from '@kombu/core/virtual';
import { MAX_BUFFER_BYTES, maxBodyBytes } from './driver-context.js';
import { open } from './open.js';
import { type ZookeeperOptions, zookeeperOptionSpecs } from './options.js';
import { Sessions } from './session.js';

function createZookeeperTransport(): Transport<ZookeeperOptions & VirtualOptions> {
  const sessions = new Sessions();
  return defineVirtualTransport<ZookeeperOptions>({
    name: 'zookeeper',
    schemes: ['zookeeper'],
    driverName: 'node-zookeeper-client',
    defaultPort: 2181,
    takesAllUrls: ['zookeeper'],
    options: zookeeperOptionSpecs,
    capabilities: {
      fanout: 'queues',
      priorities: 10,
      order: 'fifo',
      scope: 'broker',
      topology: 'broker',
      presence: 'broker',
      lease: 'session',
      settleAfterReconnect: true,
      durable: true,
      delivery: 'exactly-once',
      maxLength: true,
      maxBodyBytes: maxBodyBytes(MAX_BUFFER_BYTES),
    },
    open: (target, context) => open(target, context, sessions),
  });
}

/**
 * Apache ZooKeeper, in the layout of Python Kombu's zookeeper transport: `zookeeper://host:2181/virtual_host`, or several such URLs for
 * the servers of one ensemble. Needs ZooKeeper 3.4 or newer.
 */
export const zookeeper: Transport<ZookeeperOptions & VirtualOptions> = createZookeeperTransport();

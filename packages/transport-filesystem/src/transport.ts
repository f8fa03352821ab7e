import type { Transport } from '@kombu/core';
import { defineVirtualTransport, type VirtualOptions } from '@kombu/core/virtual';
import { open } from './open.js';
import { type FilesystemOptions, filesystemOptionSpecs } from './options.js';

/**
 * A folder as a broker: `filesystem:///var/spool/my-app`. Every process that can write to the folder shares its queues, Python
 * Kombu's file system transport included. There is no server.
 */
export const filesystem: Transport<FilesystemOptions & VirtualOptions> = defineVirtualTransport<FilesystemOptions>({
  name: 'filesystem',
  schemes: ['filesystem'],
  driverName: 'node:fs',
  options: filesystemOptionSpecs,
  capabilities: {
    fanout: 'queues',
    priorities: 10,
    order: 'fifo',
    scope: 'broker',
    topology: 'broker',
    presence: 'broker',
    lease: 'message',
    durable: true,
    delivery: 'exactly-once',
    maxLength: true,
  },
  open,
});

import type { Transport } from '@kombu/core';
import { defineVirtualTransport, Unanswered, type VirtualOptions } from '@kombu/core/virtual';
import { open } from './open.js';
import { type MongodbOptions, mongodbOptionSpecs } from './options.js';

function createMongodbTransport(): Transport<MongodbOptions & VirtualOptions> {
  const unanswered = new Unanswered();
  return defineVirtualTransport<MongodbOptions>({
    name: 'mongodb',
    schemes: ['mongodb', 'mongodb+srv'],
    driverName: 'mongodb',
    defaultPort: 27017,
    takesHostLists: ['mongodb'],
    options: mongodbOptionSpecs,
    capabilities: {
      fanout: 'subscribers',
      priorities: 10,
      order: 'fifo',
      scope: 'broker',
      topology: 'broker',
      presence: 'broker',
      lease: 'message',
      durable: true,
      delivery: 'at-least-once',
      maxLength: true,
    },
    open: (target, context) => open(target, context, unanswered),
  });
}

/**
 * MongoDB, in the format of Python Kombu's mongodb transport: `mongodb://` and `mongodb+srv://` URLs, replica sets included, with the
 * database as the virtual host.
 *
 * Needs a server that speaks the protocol of MongoDB 4.2 or newer. What it lacks is done without: where there are no change streams,
 * consumers are woken through a capped collection.
 */
export const mongodb: Transport<MongodbOptions & VirtualOptions> = createMongodbTransport();

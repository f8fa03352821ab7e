import type { OptionSpecs } from '@kombu/core';
import { type DriverParameters, driverParameterSpecs } from './driver-parameters.js';

/** The transport options of MongoDB, besides those that every virtual transport has. Names are Kombu's, in camelCase. */
export interface MongodbOptions extends DriverParameters {
  /** Where messages are. Default `messages`. */
  messagesCollection?: string;
  /** Where the bindings of queues are. Default `messages.routing`. */
  routingCollection?: string;
  /** The capped collection of fanout messages. Default `messages.broadcast`. */
  broadcastCollection?: string;
  /** Where Python keeps the arguments of queues when `ttl` is on. Default `messages.queues`. */
  queuesCollection?: string;
  /** Where declarations and consumers are kept, which Python does not read. Default `messages.declarations`. */
  declarationsCollection?: string;
  /** The capped collection that tells of new messages where the server has no change streams. Default `messages.signals`. */
  signalsCollection?: string;
  /** Size of the capped collection of fanout messages in bytes, when it is made. Default 100000. */
  cappedQueueSize?: number;
  /**
   * Whether the documents of queues, bindings and messages carry the dates that Python's `ttl` option writes, and the server
   * removes queues and bindings whose `x-expires` is over. Default false. Messages expire either way.
   */
  ttl?: boolean;
  /** Whether the size of a queue is counted. `false`: it is 0 always, as in Python. Default true. */
  calcQueueSize?: boolean;
  /** The host where the URL has none. Default `127.0.0.1`. */
  defaultHostname?: string;
  /** The port where the URL has none. Default 27017. */
  defaultPort?: number;
  /** The database where the URL has none. Default `kombu_default`. */
  defaultDatabase?: string;
}

/** Kinds, defaults and descriptions of {@link MongodbOptions}. */
export const mongodbOptionSpecs: OptionSpecs<MongodbOptions> = {
  messagesCollection: { kind: 'string', default: 'messages', doc: 'Where messages are.' },
  routingCollection: { kind: 'string', default: 'messages.routing', doc: 'Where the bindings of queues are.' },
  broadcastCollection: {
    kind: 'string',
    default: 'messages.broadcast',
    doc: 'The capped collection of fanout messages.',
  },
  queuesCollection: {
    kind: 'string',
    default: 'messages.queues',
    doc: 'Where Python keeps the arguments of queues when `ttl` is on.',
  },
  declarationsCollection: {
    kind: 'string',
    default: 'messages.declarations',
    doc: 'Where declarations and consumers are kept, which Python does not read.',
  },
  signalsCollection: {
    kind: 'string',
    default: 'messages.signals',
    doc: 'The capped collection that tells of new messages where the server has no change streams.',
  },
  cappedQueueSize: {
    kind: 'integer',
    default: 100_000,
    min: 4096,
    doc: 'Size of the capped collection of fanout messages in bytes, when it is made.',
  },
  ttl: {
    kind: 'boolean',
    default: false,
    doc: "Whether documents carry the dates that Python's `ttl` option writes. Messages expire either way.",
  },
  calcQueueSize: {
    kind: 'boolean',
    default: true,
    doc: 'Whether the size of a queue is counted; `false`: it is 0 always.',
  },
  defaultHostname: { kind: 'string', default: '127.0.0.1', doc: 'The host where the URL has none.' },
  defaultPort: { kind: 'integer', default: 27017, min: 1, max: 65535, doc: 'The port where the URL has none.' },
  defaultDatabase: { kind: 'string', default: 'kombu_default', doc: 'The database where the URL has none.' },
  ...driverParameterSpecs,
};

import type { Transport } from '@kombu/core';
import { defineVirtualTransport, Unanswered, type VirtualOptions } from '@kombu/core/virtual';
import { open } from './open.js';
import { type RedisOptions, redisOptionSpecs } from './options.js';

function createRedisTransport(): Transport<RedisOptions & VirtualOptions> {
  const unanswered = new Unanswered();
  return defineVirtualTransport<RedisOptions>({
    name: 'redis',
    schemes: ['redis', 'rediss', 'redis+socket', 'sentinel'],
    driverName: 'ioredis',
    defaultPort: 6379,
    takesAllUrls: ['sentinel'],
    options: redisOptionSpecs,
    capabilities: {
      fanout: 'subscribers',
      priorities: 4,
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
 * Redis and Valkey, in the format of Python Kombu's redis transport: `redis://`, `rediss://` (TLS), `redis+socket://` and
 * `sentinel://` URLs, with the database number as the virtual host.
 *
 * Needs Redis 6.2 or newer. On a cluster the option `hashTag` is needed too.
 */
export const redis: Transport<RedisOptions & VirtualOptions> = createRedisTransport();

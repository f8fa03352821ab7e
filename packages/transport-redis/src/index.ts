export type { QueueOrder, RedisOptions, SentinelOptions } from './options.js';
export { redis } from './transport.js';

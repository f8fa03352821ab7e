export type { MappedAddress } from './nat-map.js';
export type { QueueOrder, RedisOptions, SentinelOptions } from './options.js';
export { redis } from './transport.js';

export { open } from './open.js';
export type { QueueOrder, RedisOptions, SentinelOptions } from './options.js';

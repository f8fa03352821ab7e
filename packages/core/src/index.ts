export * from './errors/index.js';
export type * from './transport/index.js';
export type { Clock } from './util/clock.js';
export { uuid } from './util/id.js';
export type { Logger } from './util/logger.js';
export { consoleLogger, silentLogger } from './util/logger.js';

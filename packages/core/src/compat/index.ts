// Carrot's names, for code that is ported in steps.
export type { ConsumerOptions, FetchOptions, IterqueueOptions } from './consumer.js';
export { Consumer } from './consumer.js';
export type { ConsumerSetOptions } from './consumer-set.js';
export { ConsumerSet } from './consumer-set.js';
export type { CarrotExchangeOptions } from './exchange-options.js';
export type { IterconsumeOptions } from './iterconsume.js';
export type { PublisherOptions } from './publisher.js';
export { Publisher } from './publisher.js';

export type { PredefinedExchange, PredefinedQueue, SqsBackoffPolicy, SqsOptions } from './options.js';
export { sqs } from './transport.js';

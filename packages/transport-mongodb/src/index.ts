export type { DriverParameters } from './driver-parameters.js';
export type { MongodbOptions } from './options.js';
export { mongodb } from './transport.js';

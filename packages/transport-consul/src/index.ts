export type { ConsulOptions } from './options.js';
export { consul } from './transport.js';

export type { EtcdOptions } from './options.js';
export { etcd } from './transport.js';

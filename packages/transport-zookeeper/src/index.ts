export type { ZookeeperOptions } from './options.js';
export { zookeeper } from './transport.js';

export type { AmqpOptions, SocketSettings } from './options.js';
export { amqp } from './transport.js';

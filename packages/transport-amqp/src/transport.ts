import type { BrokerTarget, Transport, TransportConnection, TransportContext } from '@kombu/core';
import { capabilities } from './capabilities.js';
import { connect } from './driver/connect.js';
import { amqplibVersion } from './driver/version.js';
import { AmqpLink } from './link/link.js';
import { type AmqpOptions, optionSpecs } from './options.js';

/**
 * RabbitMQ, and other brokers that speak AMQP 0-9-1, by way of amqplib.
 *
 * @example
 * ```ts
 * const connection = new Connection('amqp://guest:guest@localhost:5672//', { transport: amqp });
 * ```
 */
export const amqp: Transport<AmqpOptions> = Object.freeze<Transport<AmqpOptions>>({
  name: 'amqp',
  schemes: ['amqp', 'amqps', 'pyamqp', 'librabbitmq'],
  driverType: 'amqp',
  driverName: 'amqplib',
  get driverVersion() {
    return amqplibVersion();
  },
  defaultPort: 5672,
  capabilities,
  options: optionSpecs,
  async connect(target: BrokerTarget<AmqpOptions>, context: TransportContext): Promise<TransportConnection> {
    const secure = target.scheme === 'amqps' && target.tls === undefined ? { ...target, tls: {} } : target;
    const model = await connect(secure, context);
    try {
      return new AmqpLink(model, secure, context);
    } catch (error) {
      await model.close();
      throw error;
    }
  },
});

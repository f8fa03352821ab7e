import type { BrokerTarget, TransportContext } from '@kombu/core';
import type { Channel } from 'amqplib';
import { connect } from '../driver/connect.js';
import { openChannel } from '../driver/open-channel.js';
import type { AmqpOptions } from '../options.js';

/**
 * Runs an operation on a connection of its own, which is closed afterwards: for what RabbitMQ answers by ending the connection
 * when it does not like it. Rejects with what the driver rejected with, or with the reason for which the connection ended.
 */
export async function elsewhere<T>(
  target: BrokerTarget<AmqpOptions>,
  context: TransportContext,
  operation: (channel: Channel) => Promise<T>,
): Promise<T> {
  // The context's signal was for connecting; this is a new attempt, with the connect timeout as its limit.
  const model = await connect(target, { ...context, signal: new AbortController().signal });
  let reason: unknown;
  model.on('error', (error) => {
    reason = error;
  });
  try {
    const channel = await openChannel(model, { died() {} });
    return await operation(channel);
  } catch (error) {
    throw reason ?? error;
  } finally {
    if (reason === undefined) await model.close().catch(() => {});
  }
}

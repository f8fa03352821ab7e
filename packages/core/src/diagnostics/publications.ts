import type { Delivery, Outcome, Route, WireMessage } from '../transport/delivery.js';
import { type DeliverEvent, diagnosticsChannels, type PublishEvent, type SettleEvent } from './channels.js';

// The payloads of what happens to messages. Called only when somebody listens.

/** A message is handed to the transport. */
export function tracePublish(connectionId: string, channelId: number, message: WireMessage, route: Route): void {
  const event: PublishEvent = {
    connectionId,
    channelId,
    exchange: route.exchange,
    routingKey: route.routingKey,
    messageId: message.properties.messageId,
    contentType: message.contentType,
    bytes: message.body.length,
  };
  diagnosticsChannels.publish.publish(event);
}

/** A message is handed to a consumer. */
export function traceDelivery(connectionId: string, channelId: number, delivery: Delivery): void {
  const event: DeliverEvent = {
    connectionId,
    channelId,
    queue: delivery.queue,
    exchange: delivery.exchange,
    routingKey: delivery.routingKey,
    consumerTag: delivery.consumerTag,
    deliveryTag: delivery.deliveryTag,
    redelivered: delivery.redelivered,
    messageId: delivery.properties.messageId,
  };
  diagnosticsChannels.deliver.publish(event);
}

/** A delivery is settled. */
export function traceSettle(
  connectionId: string,
  channelId: number,
  { queue, deliveryTag }: Delivery,
  outcome: Outcome | 'release',
): void {
  const event: SettleEvent = { connectionId, channelId, queue, deliveryTag, outcome };
  diagnosticsChannels.settle.publish(event);
}

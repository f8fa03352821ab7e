import type { Channel } from '../connection/channel.js';
import type { Delivery, Route, WireMessage } from '../transport/delivery.js';
import { Message } from './message.js';

/** A message that came back because no queue took it, as one that can be read but not settled. */
export function returnedMessage(message: WireMessage, route: Route, channel: Channel): Message {
  const delivery: Delivery = {
    body: message.body,
    contentType: message.contentType,
    contentEncoding: message.contentEncoding,
    headers: message.headers,
    properties: message.properties,
    deliveryTag: 0,
    consumerTag: undefined,
    exchange: route.exchange,
    routingKey: route.routingKey,
    queue: '',
    redelivered: false,
  };
  return new Message(delivery, { channel, codec: channel.connection.codec, noAck: true, settled() {} });
}

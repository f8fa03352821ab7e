import { isEmpty } from './arguments.js';
import type { Queue } from './queue.js';
import type { QueueJson } from './queue-options.js';

/** A queue as JSON, everything at its default left out. */
export function queueToJson(queue: Queue): QueueJson {
  const json: QueueJson = { name: queue.name };
  const exchange = queue.exchange.toJSON();
  if (exchange.name !== '' || exchange.type !== 'direct' || Object.keys(exchange).length > 2) json.exchange = exchange;
  if (queue.routingKey !== '') json.routingKey = queue.routingKey;
  if (queue.bindings.length > 0) json.bindings = queue.bindings.map((item) => item.toJSON());
  if (!queue.durable) json.durable = false;
  if (queue.exclusive) json.exclusive = true;
  else if (queue.autoDelete) json.autoDelete = true;
  if (queue.expiresMs !== undefined) json.expiresMs = queue.expiresMs;
  if (queue.messageTtlMs !== undefined) json.messageTtlMs = queue.messageTtlMs;
  if (queue.maxLength !== undefined) json.maxLength = queue.maxLength;
  if (queue.maxLengthBytes !== undefined) json.maxLengthBytes = queue.maxLengthBytes;
  if (queue.maxPriority !== undefined) json.maxPriority = queue.maxPriority;
  if (!isEmpty(queue.queueArguments)) json.queueArguments = queue.queueArguments;
  if (!isEmpty(queue.bindingArguments)) json.bindingArguments = queue.bindingArguments;
  if (!isEmpty(queue.consumerArguments)) json.consumerArguments = queue.consumerArguments;
  if (queue.noDeclare) json.noDeclare = true;
  if (queue.noAck) json.noAck = true;
  if (queue.alias !== undefined) json.alias = queue.alias;
  return json;
}

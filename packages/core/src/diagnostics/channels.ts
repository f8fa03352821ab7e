import diagnostics from 'node:diagnostics_channel';

/**
 * The channels of `node:diagnostics_channel` that this library publishes on. A payload is built only when somebody listens.
 *
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('kombu:publish', (event) => console.log(event));
 * ```
 *
 * | channel | payload |
 * |---|---|
 * | `kombu:connect` | {@link ConnectEvent}: a link is there |
 * | `kombu:disconnect` | {@link DisconnectEvent}: a link is gone |
 * | `kombu:revive` | {@link ReviveEvent}: everything works again on a new link |
 * | `kombu:publish` | {@link PublishEvent}: a message is handed to the transport |
 * | `kombu:deliver` | {@link DeliverEvent}: a message is handed to a consumer |
 * | `kombu:settle` | {@link SettleEvent}: a delivery is settled |
 * | `kombu:decode-error` | {@link DecodeErrorEvent}: a body was refused or cannot be decoded |
 */
export const diagnosticsChannels = {
  connect: diagnostics.channel('kombu:connect'),
  disconnect: diagnostics.channel('kombu:disconnect'),
  revive: diagnostics.channel('kombu:revive'),
  publish: diagnostics.channel('kombu:publish'),
  deliver: diagnostics.channel('kombu:deliver'),
  settle: diagnostics.channel('kombu:settle'),
  decodeError: diagnostics.channel('kombu:decode-error'),
} as const;

/** A link is there. */
export interface ConnectEvent {
  readonly connectionId: string;
  readonly generation: number;
  readonly transport: string;
  /** Without the password. */
  readonly url: string;
}

/** A link is gone; `error` is undefined when it was closed by this process. */
export interface DisconnectEvent {
  readonly connectionId: string;
  readonly generation: number;
  readonly error: Error | undefined;
}

/** Everything works again on a new link. */
export interface ReviveEvent {
  readonly connectionId: string;
  readonly generation: number;
  readonly exchanges: readonly string[];
  readonly queues: readonly string[];
  readonly consumers: readonly string[];
  /** How many things did not come back. */
  readonly failed: number;
}

/** A message is handed to the transport. */
export interface PublishEvent {
  readonly connectionId: string;
  readonly channelId: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly messageId: string | undefined;
  readonly contentType: string | undefined;
  readonly bytes: number;
}

/** A message is handed to a consumer. */
export interface DeliverEvent {
  readonly connectionId: string;
  readonly channelId: number;
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly consumerTag: string | undefined;
  readonly deliveryTag: string | number;
  readonly redelivered: boolean;
  readonly messageId: string | undefined;
}

/** A delivery is settled. */
export interface SettleEvent {
  readonly connectionId: string;
  readonly channelId: number;
  readonly queue: string;
  readonly deliveryTag: string | number;
  readonly outcome: 'ack' | 'reject' | 'requeue' | 'release';
}

/** A body was refused or cannot be decoded. */
export interface DecodeErrorEvent {
  readonly connectionId: string;
  readonly channelId: number;
  readonly queue: string;
  readonly deliveryTag: string | number;
  readonly contentType: string | undefined;
  readonly error: Error;
}

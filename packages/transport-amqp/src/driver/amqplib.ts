import type { Duplex } from 'node:stream';
import { NotSupportedError } from '@kombu/core';
import type { Channel, ChannelModel } from 'amqplib';

/**
 * The few members of amqplib's connection object that this package uses beyond its published interface, all of them on our
 * own connection, none on a class or module that others share. {@link rawConnection} checks that they are what they were.
 */
export interface RawConnection {
  /** The socket, plain or TLS. */
  readonly stream: Duplex;
  /** Bytes read from the socket that are not a whole frame yet. */
  rest: Buffer;
  /** Takes the next frame from `rest`, reading the socket when it has to; false: there is none yet. */
  recvFrame(): unknown;
  /** For the heartbeat: whether anything was received, or sent, since it last looked. */
  recvSinceLastCheck: boolean;
  sentSinceLastCheck: boolean;
  /** As negotiated; in seconds. */
  readonly heartbeat: number;
  readonly frameMax: number;
  readonly maxFrameSize: number;
  readonly channelMax: number;
  /** Whether the broker said that it does not take messages now. */
  readonly blocked: boolean;
  readonly serverProperties: Readonly<Record<string, unknown>>;
}

/** A content header as amqplib's channels expect it from `recvFrame`. */
export interface ContentHeaderFrame {
  readonly id: 60;
  readonly channel: number;
  readonly size: number;
  readonly fields: object;
}

/**
 * The connection object underneath an amqplib connection.
 *
 * @throws NotSupportedError when this amqplib is not built as the ones this package was made for.
 */
export function rawConnection(model: ChannelModel): RawConnection {
  const raw = model.connection as unknown as Partial<RawConnection>;
  const fits =
    typeof raw.recvFrame === 'function' &&
    Buffer.isBuffer(raw.rest) &&
    typeof raw.stream?.write === 'function' &&
    typeof raw.recvSinceLastCheck === 'boolean' &&
    typeof raw.sentSinceLastCheck === 'boolean' &&
    typeof raw.frameMax === 'number' &&
    typeof raw.maxFrameSize === 'number';
  if (!fits) throw new NotSupportedError('this version of amqplib is not supported: install amqplib 2.3');
  return raw as RawConnection;
}

/** The number of an amqplib channel on its connection. */
export function channelNumber(channel: Channel): number {
  const { ch } = channel as unknown as { ch?: unknown };
  if (typeof ch !== 'number')
    throw new NotSupportedError('this version of amqplib is not supported: install amqplib 2.3');
  return ch;
}

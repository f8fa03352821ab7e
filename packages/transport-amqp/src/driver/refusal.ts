import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { FRAME_END } from '../wire/frames.js';
import { readUtf8, writeShort } from '../wire/text.js';

/** What it takes to log in once more. */
export interface Login {
  readonly tcp: TcpNetConnectOpts;
  readonly tls: ConnectionOptions | undefined;
  readonly mechanism: string;
  readonly response: Buffer;
  readonly locale: string;
  readonly virtualHost: string;
}

/** `connection.close` of the broker. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

const HEADER = Buffer.from('AMQP\x00\x00\x09\x01', 'latin1');
const WITHIN_MS = 3_000;

/** A method of class `connection`. */
function method(id: number, ...parts: readonly Buffer[]): Buffer {
  const payload = Buffer.concat([Buffer.from([0, 10, 0, id]), ...parts]);
  const head = Buffer.from([1, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([FRAME_END])]);
}

function short(text: string): Buffer {
  const buffer = Buffer.alloc(1 + 3 * text.length);
  return buffer.subarray(0, writeShort(buffer, text, 0));
}

function long(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/**
 * Why the broker does not open a virtual host, in its own words. amqplib keeps them to itself, and whether to try again depends
 * on them, so this logs in once more by hand. Undefined when it cannot be found out, or the host is open by now.
 */
export async function refusal(login: Login): Promise<Refusal | undefined> {
  const socket: Socket = login.tls === undefined ? connectTcp(login.tcp) : connectTls({ ...login.tls, ...login.tcp });
  socket.setTimeout(WITHIN_MS, () => socket.destroy());
  socket.once(login.tls === undefined ? 'connect' : 'secureConnect', () => socket.write(HEADER));
  try {
    let bytes = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 8 && bytes.length >= bytes.readUInt32BE(3) + 8) {
        const end = bytes.readUInt32BE(3) + 8;
        const said = answer(socket, login, bytes.subarray(7, end - 1));
        if (said !== 'more') return said;
        bytes = bytes.subarray(end);
      }
    }
  } catch {
    // Then the first refusal stands as it is.
  } finally {
    socket.destroy();
  }
  return undefined;
}

/** Goes on with the handshake, or ends it with what the broker said. */
function answer(socket: Socket, login: Login, payload: Buffer): Refusal | undefined | 'more' {
  if (payload.readUInt16BE(0) !== 10) return undefined;
  switch (payload.readUInt16BE(2)) {
    case 10: // start
      socket.write(
        method(11, long(Buffer.alloc(0)), short(login.mechanism), long(login.response), short(login.locale)),
      );
      return 'more';
    case 30: // tune: what the broker proposes is taken
      socket.write(method(31, payload.subarray(4)));
      socket.write(method(40, short(login.virtualHost), Buffer.from([0, 0])));
      return 'more';
    case 50: // close
      return { code: payload.readUInt16BE(4), text: readUtf8(payload, 7, 7 + (payload[6] as number)) };
    default:
      return undefined;
  }
}

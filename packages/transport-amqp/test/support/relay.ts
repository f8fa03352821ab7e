import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to the broker on which what the broker says can be kept back, to arrive all at once. */
export interface Relay {
  readonly port: number;
  /** From the moment that a client has sent this method on, what the broker says is kept back. */
  holdAfter(method: Buffer): void;
  /** What is kept back. */
  held(): Buffer;
  /** Lets it pass, with `more` at its end, in one piece; and everything after it. */
  release(more?: Buffer): void;
  close(): Promise<void>;
}

/** A class and a method as they stand in a method frame. */
export function methodId(classId: number, method: number): Buffer {
  return Buffer.from([classId >> 8, classId, method >> 8, method]);
}

function methodFrame(channel: number, ...parts: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(parts);
  const head = Buffer.from([1, channel >> 8, channel & 0xff, 0, 0, 0, payload.length]);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

function short(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

/** `channel.close`, as a broker says it. */
export function closeChannelFrame(channel: number, code: number, text: string): Buffer {
  const cause = Buffer.alloc(4); // no class, no method
  return methodFrame(channel, methodId(20, 40), Buffer.from([code >> 8, code & 0xff]), short(text), cause);
}

/** `basic.cancel`, as a broker says it. */
export function cancelFrame(channel: number, consumerTag: string): Buffer {
  return methodFrame(channel, methodId(60, 30), short(consumerTag), Buffer.from([1]));
}

/** Starts a relay for one client. */
export async function startRelay(brokerPort: number): Promise<Relay> {
  let trigger: Buffer | undefined;
  let state: 'passing' | 'holding' = 'passing';
  let held: Buffer[] = [];
  let client: Socket | undefined;
  const server = createServer((socket) => {
    client = socket;
    const broker = connect(brokerPort, '127.0.0.1');
    for (const one of [socket, broker]) one.setNoDelay(true).on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      if (trigger !== undefined && chunk.includes(trigger)) {
        trigger = undefined;
        state = 'holding';
      }
      broker.write(chunk);
    });
    broker.on('data', (chunk: Buffer) => {
      if (state === 'holding') held.push(chunk);
      else socket.write(chunk);
    });
    socket.on('close', () => broker.destroy());
    broker.on('close', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    holdAfter(method) {
      trigger = method;
    },
    held: () => Buffer.concat(held),
    release(more = Buffer.alloc(0)) {
      const all = Buffer.concat([...held, more]);
      held = [];
      state = 'passing';
      client?.write(all);
    },
    async close() {
      client?.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

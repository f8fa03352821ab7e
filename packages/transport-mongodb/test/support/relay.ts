import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER = 16;

/** What becomes of a command: it is answered here, its answer is changed, or the socket is cut before or after it was carried out. */
export type Verdict =
  | { readonly reply: Document }
  | { readonly change: (reply: Document) => Document }
  | 'cut'
  | 'cut after';

/** Judges a command by its document; undefined lets it pass. */
export type Script = (command: Document) => Verdict | undefined | Promise<Verdict | undefined>;

export interface Relay {
  readonly port: number;
  script: Script;
  close(): Promise<void>;
}

/** Where the document of a message begins. */
function documentAt(message: Buffer): number {
  const opcode = message.readInt32LE(12);
  if (opcode === OP_QUERY) return message.indexOf(0, HEADER + 4) + 1 + 8;
  return opcode === OP_REPLY ? HEADER + 20 : HEADER + 5;
}

function documentOf(message: Buffer): Document {
  const at = documentAt(message);
  return BSON.deserialize(message.subarray(at, at + message.readInt32LE(at)));
}

/** The answer to a message. */
function answer(message: Buffer, reply: Document): Buffer {
  const query = message.readInt32LE(12) === OP_QUERY;
  const head = Buffer.alloc(query ? HEADER + 20 : HEADER + 5);
  const body = BSON.serialize(reply);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(message.readInt32LE(4), 8);
  head.writeInt32LE(query ? OP_REPLY : OP_MSG, 12);
  if (query) head.writeInt32LE(1, HEADER + 16);
  return Buffer.concat([head, body]);
}

/** A message of the server with another document in it. */
function replaced(message: Buffer, reply: Document): Buffer {
  const head = Buffer.from(message.subarray(0, documentAt(message)));
  const body = BSON.serialize(reply);
  head.writeInt32LE(head.length + body.length, 0);
  return Buffer.concat([head, body]);
}

function cutter(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const size = rest.readInt32LE(0);
      take(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  };
}

/** A relay in front of a server that can make of each command what a test needs: what a server of tests does not do by itself. */
export async function startRelay(targetPort: number, script: Script): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(targetPort, '127.0.0.1');
    const changes = new Map<number, Verdict>();
    const end = (): void => {
      for (const socket of [client, upstream]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', end).on('close', end);
    }
    const pass = async (message: Buffer): Promise<void> => {
      const verdict = await relay.script(documentOf(message));
      if (verdict === 'cut') end();
      else if (verdict !== undefined && typeof verdict === 'object' && 'reply' in verdict) {
        client.write(answer(message, verdict.reply));
      } else {
        if (verdict !== undefined) changes.set(message.readInt32LE(4), verdict);
        upstream.write(message);
      }
    };
    client.on(
      'data',
      cutter((message) => void pass(message)),
    );
    upstream.on(
      'data',
      cutter((message) => {
        const id = message.readInt32LE(8);
        const verdict = changes.get(id);
        changes.delete(id);
        if (verdict === 'cut after') end();
        else if (verdict === undefined || typeof verdict !== 'object' || !('change' in verdict)) client.write(message);
        else client.write(replaced(message, verdict.change(documentOf(message))));
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay: Relay = {
    port: (server.address() as AddressInfo).port,
    script,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return relay;
}

/** What makes a server the primary of a replica set that has no other member. */
export function primaryOf(port: () => number, more: Document = {}): Verdict {
  return {
    change: (reply) => {
      const me = `127.0.0.1:${port()}`;
      return {
        ...reply,
        setName: 'rs',
        setVersion: 1,
        hosts: [me],
        primary: me,
        me,
        secondary: false,
        isWritablePrimary: true,
        ismaster: true,
        ...more,
      };
    },
  };
}

/** Whether a command asks a server what it is. */
export function isHello(command: Document): boolean {
  return ['hello', 'isMaster', 'ismaster'].some((name) => name in command);
}

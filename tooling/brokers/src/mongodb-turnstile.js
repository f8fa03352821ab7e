import { createServer, connect as dial } from 'node:net';

/** Commands that read documents and write them back. */
const WRITES = new Set(['insert', 'update', 'delete', 'findAndModify', 'findandmodify']);
const HEADER = 16;
const OP_MSG = 2013;
/** Header, flags, kind of section, length of the document, type of its first field. */
const FIRST_NAME = HEADER + 4 + 1 + 4 + 1;

/**
 * Cuts a stream into messages of MongoDB's wire protocol.
 *
 * @param {(message: Buffer) => void} take
 */
function cutter(take) {
  /** @type {Buffer[]} */
  let parts = [];
  let length = 0;
  return (/** @type {Buffer} */ chunk) => {
    parts.push(chunk);
    length += chunk.length;
    while (length >= 4) {
      if ((parts[0]?.length ?? 0) < 4) parts = [Buffer.concat(parts)];
      const size = parts[0]?.readInt32LE(0) ?? 0;
      if (length < size) return;
      const all = parts.length === 1 ? /** @type {Buffer} */ (parts[0]) : Buffer.concat(parts);
      take(all.subarray(0, size));
      parts = all.length === size ? [] : [all.subarray(size)];
      length -= size;
    }
  };
}

/** @param {Buffer} message the command's name is the first field of its document */
function commandOf(message) {
  if (message.length <= FIRST_NAME || message.readInt32LE(12) !== OP_MSG) return '';
  return message.toString('latin1', FIRST_NAME, message.indexOf(0, FIRST_NAME));
}

/**
 * Lets one writing command at a time through to a server. FerretDB 1 reads a document, changes it and writes it back without a
 * lock, so that two clients may both take the same one; MongoDB changes a document in one step. With this in front of it the former
 * does what the latter promises.
 *
 * @param {number} targetPort
 * @param {number} port
 */
export async function startTurnstile(targetPort, port) {
  /** @type {Set<import('node:net').Socket>} */
  const clients = new Set();
  /** @type {Map<string, number>} */
  const commands = new Map();
  let last = Promise.resolve();

  const server = createServer((client) => {
    const upstream = dial(targetPort, '127.0.0.1');
    clients.add(client);
    /** @type {Map<number, () => void>} */
    const answered = new Map();
    const end = () => {
      clients.delete(client);
      client.destroy();
      upstream.destroy();
      for (const pass of answered.values()) pass();
      answered.clear();
    };
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on(
      'data',
      cutter((message) => {
        const command = commandOf(message);
        commands.set(command, (commands.get(command) ?? 0) + 1);
        if (!WRITES.has(command)) {
          upstream.write(message);
          return;
        }
        const before = last;
        last = new Promise((pass) => answered.set(message.readInt32LE(4), pass));
        void before.then(() => upstream.write(message));
      }),
    );
    upstream.on(
      'data',
      cutter((message) => {
        const id = message.readInt32LE(8);
        answered.get(id)?.();
        answered.delete(id);
        client.write(message);
      }),
    );
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(undefined));
  });
  return {
    /** How often each command was sent. */
    commands,
    get connections() {
      return clients.size;
    },
    /** Resets every connection; new ones pass. */
    drop() {
      for (const client of clients) client.resetAndDestroy();
    },
    async close() {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

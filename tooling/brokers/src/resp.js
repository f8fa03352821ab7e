import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** @typedef {import('./types.d.ts').RedisReply} RedisReply */

/**
 * Sends one command to a Redis server on a connection of its own. Enough of RESP2 for what the tests ask of a server.
 *
 * @param {{ port: number, password?: string | undefined, caFile?: string | undefined }} server
 * @param {readonly (string | number)[]} words
 * @param {number} [timeoutMs]
 * @returns {Promise<RedisReply>}
 */
export function redisCommand({ port, password, caFile }, words, timeoutMs = 5000) {
  return new Promise((resolve, reject) => {
    const where = { port, host: '127.0.0.1' };
    const socket =
      caFile === undefined
        ? connect(where)
        : connectTls({ ...where, servername: 'localhost', ca: readFileSync(caFile) });
    const commands = password === undefined ? [words] : [['AUTH', password], words];
    let received = Buffer.alloc(0);
    /** @param {() => void} settle */
    const finish = (settle) => {
      socket.destroy();
      settle();
    };
    socket.setTimeout(timeoutMs, () => finish(() => reject(new Error(`no answer to ${words[0]}`))));
    socket.once('error', (error) => finish(() => reject(error)));
    socket.once('close', () => reject(new Error(`connection closed during ${words[0]}`)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      let at = 0;
      /** @type {RedisReply | Error | undefined} */
      let reply;
      for (const _ of commands) {
        const next = parse(received, at);
        if (next === undefined) return;
        [reply, at] = next;
        if (reply instanceof Error) break;
      }
      const last = reply;
      finish(() => (last instanceof Error ? reject(last) : resolve(last ?? null)));
    });
    for (const command of commands) {
      socket.write(
        `*${command.length}\r\n${command.map((w) => `$${Buffer.byteLength(String(w))}\r\n${w}\r\n`).join('')}`,
      );
    }
  });
}

/**
 * The reply that begins at `at` and where it ends; undefined while it is not complete.
 *
 * @param {Buffer} bytes
 * @param {number} at
 * @returns {[RedisReply | Error, number] | undefined}
 */
function parse(bytes, at) {
  const end = bytes.indexOf('\r\n', at);
  if (end < 0) return undefined;
  const text = bytes.toString('utf8', at + 1, end);
  const after = end + 2;
  switch (bytes[at]) {
    case 0x2b: // +
      return [text, after];
    case 0x2d: // -
      return [new Error(text), after];
    case 0x3a: // :
      return [Number(text), after];
    case 0x24: {
      // $
      const size = Number(text);
      if (size < 0) return [null, after];
      return bytes.length < after + size + 2
        ? undefined
        : [bytes.toString('utf8', after, after + size), after + size + 2];
    }
    case 0x2a: {
      // *
      /** @type {RedisReply[]} */
      const items = [];
      let next = after;
      for (let left = Number(text); left > 0; left--) {
        const item = parse(bytes, next);
        if (item === undefined) return undefined;
        items.push(item[0] instanceof Error ? item[0].message : item[0]);
        next = item[1];
      }
      return [items, next];
    }
    default:
      return [new Error(`not a reply: ${text}`), after];
  }
}

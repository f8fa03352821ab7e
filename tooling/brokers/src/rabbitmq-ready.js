import { connect } from 'node:net';

/**
 * Says the AMQP 0-9-1 protocol header and resolves with the version in the server's Connection.Start, which a RabbitMQ node
 * sends only when it has booted.
 *
 * @param {number} port
 * @param {string} [host]
 * @returns {Promise<string>}
 */
export function amqpHandshake(port, host = '127.0.0.1') {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let received = Buffer.alloc(0);
    socket.setTimeout(2000, () => socket.destroy(new Error('no answer to the protocol header')));
    socket.once('connect', () => socket.write(Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      // type 1, channel 0, size: a method frame; Connection.Start is class 10, method 10
      if (received.length < 7 || received.length < 7 + received.readUInt32BE(3)) return;
      const isStart = received[0] === 1 && received.readUInt32BE(7) === ((10 << 16) | 10);
      // in the server properties: "version", long string, its length, its text
      const at = received.indexOf('\x07versionS', 0, 'latin1');
      const size = at < 0 ? 0 : received.readUInt32BE(at + 9);
      const version = at < 0 ? 'unknown' : received.toString('latin1', at + 13, at + 13 + size);
      if (isStart) resolve(version);
      else reject(new Error('not an AMQP 0-9-1 server'));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { connect } from './support/connect.js';
import { startServer } from './support/server.js';

/** A server that takes what connects, and then does this with it. Counts what has connected, the look whether it listens included. */
async function acceptor(then: (socket: Socket) => void) {
  const open = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    socket.resume();
    then(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `etcd://127.0.0.1:${port}`,
    open,
    get accepted() {
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a link that has ended', () => {
  it('leaves no socket at a server that accepts and says nothing', async () => {
    await using silent = await acceptor(() => {});
    for (let i = 0; i < 3; i++) {
      await using connection = connect(silent, { connectTimeoutMs: 200 });
      await expect(connection.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECT_TIMEOUT' });
    }
    expect(silent.accepted).toBeGreaterThan(3);
    await until(() => silent.open.size === 0, { what: 'every socket is closed' });
  });

  it('does not connect again where connecting has failed', async () => {
    await using rude = await acceptor((socket) => setImmediate(() => socket.resetAndDestroy()));
    await using connection = connect(rude, { connectTimeoutMs: 5000 });
    // The first one is a look; that it is reset afterwards is no news.
    await expect(connection.connect()).rejects.toMatchObject({ retryable: true });
    const { accepted } = rude;
    // The back-off of gRPC is a second, give or take a fifth.
    await delay(1500);
    expect(rude.accepted).toBe(accepted);
  });

  it.each(['plain', 'TLS'])(
    'leaves no socket at a server that has stopped to answer (%s)',
    async (kind) => {
      await using server = await startServer({ tls: kind === 'TLS' });
      const tls = server.caFile === undefined ? undefined : { ca: await readFile(server.caFile, 'utf8') };
      const sockets: Socket[] = [];
      const opened = (event: unknown): unknown => sockets.push((event as { socket: Socket }).socket);
      subscribe('net.client.socket', opened);
      const connection = connect(server, { heartbeatMs: 1000, tls });
      await connection.connect();
      unsubscribe('net.client.socket', opened);
      expect(sockets.some((socket) => !socket.destroyed)).toBe(true);
      server.freeze?.();
      await connection.close();
      await until(() => sockets.every((socket) => socket.destroyed), {
        what: 'every socket is closed',
        timeoutMs: 2000,
      });
      server.thaw?.();
    },
    30_000,
  );
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { silentLogger, systemClock } from '@kombu/core';
import { KeptSessions } from '../src/kept-sessions.js';
import { open } from '../src/open.js';

/** What a server says that was just started, and has not read its log yet; it cannot be held in that state. */
let server: Server;
beforeAll(async () => {
  server = createServer((_, response) => response.writeHead(403).end('ACL not found'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

function attempt(sessions: KeptSessions, now: number) {
  const { port } = server.address() as AddressInfo;
  const target = {
    scheme: 'consul',
    url: `consul://127.0.0.1:${port}`,
    hostname: '127.0.0.1',
    port,
    userid: undefined,
    password: 'a-token',
    virtualHost: undefined,
    tls: undefined,
    connectTimeoutMs: 5000,
    heartbeatMs: undefined,
    loginMethod: undefined,
    options: {},
    all: [],
  };
  const context = {
    signal: new AbortController().signal,
    logger: silentLogger,
    clock: { ...systemClock, monotonic: () => now },
    connectionId: 'mine',
    warn: () => {},
    blocked: () => {},
    unblocked: () => {},
  };
  return open(target, context, sessions);
}

describe('a token that the server does not know', () => {
  it('is wrong where it was never good', async () => {
    await expect(attempt(new KeptSessions(), 0)).rejects.toMatchObject({
      name: 'AuthenticationError',
      retryable: false,
    });
  });

  it('is tried again for half a minute where the link before had it, and is wrong then', async () => {
    const sessions = new KeptSessions();
    sessions.keep('mine', { session: 'before', unanswered: [] });
    for (const now of [1000, 20_000, 30_900]) {
      await expect(attempt(sessions, now)).rejects.toMatchObject({
        code: 'ERR_KOMBU_CONNECT_REFUSED',
        retryable: true,
      });
    }
    await expect(attempt(sessions, 31_000)).rejects.toMatchObject({ name: 'AuthenticationError' });
    expect(sessions.take('mine')?.session).toBe('before');
  });
});

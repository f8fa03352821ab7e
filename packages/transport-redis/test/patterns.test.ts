import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable } from '@kombu/brokers';
import { Connection, Mailbox } from '@kombu/core';
import { startPython } from '@kombu/interop';
import { redis } from '../src/index.js';
import { describePatterns } from './support/patterns.js';
import { startServer } from './support/server.js';

jest.setTimeout(60_000);
const server = await startServer();
const python = { '5.2': await startPython({ version: '5.2' }), latest: await startPython({ version: 'latest' }) };

afterAll(async () => {
  for (const peer of Object.values(python)) if (!isUnavailable(peer)) await peer.close();
  await server.close();
});

describePatterns({
  name: 'Redis',
  url: server.url,
  transport: redis,
  killConnections: async () => void (await server.killConnections?.()),
  python,
});

describe('what a mailbox stores', () => {
  it('is what Python Kombu 5.2.4 stores', async () => {
    const connection = new Connection(server.url, { transport: redis });
    const mailbox = new Mailbox('testns').bind(connection);
    await mailbox.getQueue('host1').bind(connection).declare();
    await mailbox.cast(['host1'], 'ping', { a: 1 });
    expect(await server.command('SMEMBERS', '_kombu.binding.testns.pidbox')).toEqual([
      '\u0006\u0016\u0006\u0016host1.testns.pidbox',
    ]);
    const [text] = (await server.command('LRANGE', 'host1.testns.pidbox', 0, -1)) as string[];
    const stored = JSON.parse(text as string);
    expect(JSON.parse(Buffer.from(stored.body, 'base64').toString())).toEqual({
      method: 'ping',
      arguments: { a: 1 },
      destination: ['host1'],
      pattern: null,
      matcher: null,
    });
    expect(stored).toMatchObject({
      'content-encoding': 'utf-8',
      'content-type': 'application/json',
      headers: { clock: 1, expires: expect.any(Number) },
      properties: {
        delivery_mode: 2,
        delivery_info: { exchange: 'testns.pidbox', routing_key: '' },
        priority: 0,
        body_encoding: 'base64',
      },
    });
    await connection.close();
  });
});

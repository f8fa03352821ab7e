import { expect, it } from '@jest/globals';
import { Queue } from '@kombu/core';
import { connect } from './support/connect.js';
import { startServer } from './support/server.js';

it('a token that has run out is renewed: no call fails, and the link goes on', async () => {
  const server = await startServer({ password: 'secret', flags: ['--auth-token-ttl', '1'] });
  const connection = connect(server);
  const producer = connection.producer();
  await producer.publish('first', { routingKey: 'q', declare: [new Queue('q')] });
  const lost: unknown[] = [];
  connection.on('disconnected', (event) => lost.push(event));
  // Long enough for the server to forget it.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await producer.publish('second', { routingKey: 'q', timeoutMs: 8000 });
  const queue = new Queue('q').bind(connection);
  expect((await queue.get({ noAck: true }))?.payload).toBe('first');
  expect((await queue.get({ noAck: true }))?.payload).toBe('second');
  expect(lost).toEqual([]);
  await connection.close();
  await server.close();
}, 30_000);

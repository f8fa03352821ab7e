import assert from 'node:assert/strict';
import { type Connection, KombuError } from '@kombu/core';
import { declare, drain, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { refuses } from '../expect.js';

function says(connection: Connection, secret: string): boolean {
  return JSON.stringify([connection.info(), connection.asUri(), connection.host]).includes(secret);
}

/** Connecting, refused and aborted connects, laziness, and leaks. */
export const connect = group('connect', [
  testCase('connects, says so, and connects only once', async (t) => {
    const connection = await t.unconnected();
    assert.equal(connection.connected, false);
    await connection.connect();
    await connection.connect();
    assert.equal(connection.connected, true);
    await connection.close();
    assert.equal(connection.connected, false);
  }),

  testCase('nothing is connected before the first use, which connects by itself', async (t) => {
    const connection = await t.unconnected();
    const channel = connection.channel();
    const producer = t.producer(connection);
    assert.equal(connection.connected, false);
    const queue = t.queue();
    await producer.publish({ id: 'it' }, { routingKey: queue.name, declare: [queue] });
    assert.equal(connection.connected, true);
    assert.deepEqual(await drain(t, connection, queue), ['it']);
    await channel.close();
  }),

  testCase('two connections see the same queues', async (t) => {
    const [one, two] = [await t.open(), await t.open()];
    const queue = t.queue();
    await declare(one, queue);
    await send(t, one, queue, ['it']);
    assert.deepEqual(await drain(t, two, queue), ['it']);
  }),

  testCase(
    'a place where nobody listens is an OperationalError, soon',
    async (t) => {
      const refused = t.hooks.refused?.(t.broker);
      const connection = await t.unconnected({ connectTimeoutMs: t.waitMs / 2 }, refused);
      const connecting = (): Promise<unknown> => t.within('a refused connect', connection.connect());
      const error = await refuses('connect', connecting, 'CONNECT_REFUSED', 'CONNECT_TIMEOUT');
      assert.equal(error.retryable, true);
      assert.equal(connection.connected, false);
    },
    { needs: ['refused'] },
  ),

  testCase(
    'retries end after maxRetries, in an OperationalError',
    async (t) => {
      const connection = await t.unconnected({ connectTimeoutMs: t.waitMs / 2 }, t.hooks.refused?.(t.broker));
      const retries: number[] = [];
      const policy = {
        maxRetries: 2,
        intervalStartMs: 5,
        intervalStepMs: 5,
        intervalMaxMs: 10,
        onError: (_: unknown, intervalMs: number) => retries.push(intervalMs),
      };
      const trying = (): Promise<unknown> => connection.ensureConnection(policy);
      const error = await refuses('ensureConnection', trying, 'CONNECT_REFUSED', 'CONNECT_TIMEOUT', 'CONNECTION_LOST');
      assert.ok(KombuError.is(error.cause), 'the last error is the cause');
      assert.equal(retries.length, 2);
    },
    { needs: ['refused'] },
  ),

  testCase(
    'bad credentials are an AuthenticationError, never retried',
    async (t) => {
      const broker = t.hooks.badCredentials?.(t.broker);
      const connection = await t.unconnected({}, broker);
      let retries = 0;
      const onError = (): void => {
        retries += 1;
      };
      const policy = { maxRetries: 5, intervalStartMs: 5, onError };
      const error = await refuses('connect', () => connection.ensureConnection(policy), 'AUTH_FAILED');
      assert.equal(error.retryable, false);
      assert.equal(retries, 0);
    },
    { needs: ['badCredentials'] },
  ),

  testCase('a connect that is aborted already is AbortedError, and the next one connects', async (t) => {
    const connection = await t.unconnected();
    const reason = new Error('changed my mind');
    const signal = AbortSignal.abort(reason);
    const error = await refuses('connect', () => connection.connect({ signal }), 'ABORTED');
    assert.equal(error.cause, reason);
    await connection.connect();
    assert.equal(connection.connected, true);
  }),

  testCase(
    'a connect to a broker that does not answer ends when it is aborted, and at its deadline, and leaves no socket',
    async (t) => {
      const { proxy, broker } = await t.proxied();
      proxy.stall();
      const connection = await t.unconnected({ connectTimeoutMs: t.waitMs * 10 }, broker);
      const controller = new AbortController();
      const connecting = connection.connect({ signal: controller.signal });
      const ended = refuses('connect', () => t.within('an aborted connect', connecting), 'ABORTED');
      await t.until('the proxy has a connection', () => proxy.connections > 0);
      controller.abort();
      await ended;
      const late = (): Promise<unknown> => t.within('a late connect', connection.connect({ timeoutMs: 200 }));
      await refuses('connect', late, 'TIMEOUT', 'CONNECT_TIMEOUT');
      await t.until('the proxy has no connection', () => proxy.connections === 0);
      proxy.pass();
      await connection.connect();
      assert.equal(connection.connected, true);
    },
    { needs: ['through'] },
  ),

  testCase('no password in info, asUri or host', async (t) => {
    const connection = await t.connection();
    const secret = new URL(t.broker.url.split(';')[0] ?? '').password;
    if (secret !== '') assert.equal(says(connection, secret), false);
    assert.equal(says(connection.clone({ password: 'hunter2-secret' }), 'hunter2-secret'), false);
  }),
]);

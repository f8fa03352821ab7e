import { describe, expect, it } from '@jest/globals';
import { DecodeError, Exchange, InvalidOptionError, Queue, type RemoteError } from '../../src/index.js';
import { openMemory, settle, until } from '../support/memory.js';

const retry = { reconnect: { intervalStartMs: 1, intervalMaxMs: 5 } };

describe('request and reply', () => {
  it('answers many calls at once over one reply queue, out of order', async () => {
    const { connection } = openMemory();
    const { connection: own } = { connection: connection.clone() };
    const server = await own.rpcServer<number>('square', async (n) => {
      if (n % 2 === 0) await settle(3);
      return n * n;
    });
    await using client = connection.rpcClient();
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    expect(await Promise.all(numbers.map((n) => client.call('square', n)))).toEqual(numbers.map((n) => n * n));
    expect(client.pending).toBe(0);
    await server.close();
    await Promise.all([connection.close(), own.close()]);
  });

  it('carries the error of a handler back', async () => {
    const { connection } = openMemory();
    const told: unknown[] = [];
    await using server = await connection.rpcServer(
      'failing',
      (what) => {
        if (what === 'kombu') throw new InvalidOptionError('not so');
        if (what === 'text') throw 'just a text';
        throw Object.assign(new RangeError('too much'), { code: 'E_RANGE' });
      },
      { onError: (error) => told.push(error) },
    );
    await using client = connection.rpcClient();
    const error = (await client.call('failing', 'x').catch((e: unknown) => e)) as RemoteError;
    expect(error).toMatchObject({
      name: 'RemoteError',
      code: 'ERR_KOMBU_REMOTE',
      message: 'RangeError: too much',
      remote: { name: 'RangeError', message: 'too much', code: 'E_RANGE' },
    });
    await expect(client.call('failing', 'kombu')).rejects.toMatchObject({
      remote: { name: 'InvalidOptionError', code: 'ERR_KOMBU_INVALID_OPTION' },
    });
    await expect(client.call('failing', 'text')).rejects.toMatchObject({ remote: { message: 'just a text' } });
    expect(told).toHaveLength(3);
    expect(server.consumer.queues[0]?.name).toBe('failing');
    await connection.close();
  });

  it('ends a call at its deadline, on abort and on close', async () => {
    const { connection } = openMemory();
    const queue = new Queue('nobody');
    const client = connection.rpcClient({ timeoutMs: 20 });
    await expect(client.call(queue, 1)).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
    const abort = new AbortController();
    const aborted = client.call(queue, 2, { signal: abort.signal, timeoutMs: 60_000 });
    await settle();
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
    const closed = client.call(queue, 3, { timeoutMs: 60_000 });
    await until(() => client.pending === 1);
    await client.close();
    await expect(closed).rejects.toMatchObject({ code: 'ERR_KOMBU_CLOSED' });
    await expect(client.call(queue, 4)).rejects.toMatchObject({ code: 'ERR_KOMBU_CLOSED' });
    const replies = new Queue(client.replyTo).bind(connection).queueDeclare({ passive: true });
    await expect(replies).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
    await connection.close();
  });

  it('says at once that a queue is not there', async () => {
    const { connection } = openMemory();
    await using client = connection.rpcClient();
    await expect(client.call('missing', 1)).rejects.toMatchObject({ code: 'ERR_KOMBU_NO_ROUTE' });
    const patient = client.call('missing', 1, { mandatory: false, timeoutMs: 30 });
    await expect(patient).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
    await connection.close();
  });

  it('reaches a queue the way it is bound', async () => {
    const { connection } = openMemory();
    const queue = new Queue<{ n: number }>('sums', { exchange: new Exchange('work'), routingKey: 'sum' });
    await using _server = await connection.rpcServer(queue, ({ n }, message) => [n + 1, message.deliveryInfo.exchange]);
    await using client = connection.rpcClient({ serializer: 'json' });
    expect(await client.call(queue, { n: 1 })).toEqual([2, 'work']);
    expect(await client.call('sum', { n: 2 }, { exchange: 'work' })).toEqual([3, 'work']);
    expect(await client.call(queue.bind(connection), { n: 3 }, { headers: { a: 1 } })).toEqual([4, 'work']);
    await connection.close();
  });

  it('answers undefined with null, in the serializer of the request', async () => {
    const { connection } = openMemory();
    const types: unknown[] = [];
    await using _server = await connection.rpcServer(
      'void',
      (_payload, message) => void types.push(message.contentType),
      { accept: ['json', 'msgpack'] },
    );
    await using client = connection.rpcClient({ serializer: 'msgpack', accept: ['msgpack'] });
    expect(await client.call('void', [1])).toBeNull();
    expect(types).toEqual(['application/x-msgpack']);
    await connection.close();
  });

  it('answers a request that cannot be decoded with the error, and a reply that cannot be written too', async () => {
    const { connection } = openMemory();
    await using _server = await connection.rpcServer('strict', () => {
      const loop: { self?: unknown } = {};
      loop.self = loop;
      return loop;
    });
    await using client = connection.rpcClient();
    await expect(client.call('strict', 'x', { serializer: 'pickle' })).rejects.toMatchObject({
      remote: { name: 'ContentDisallowed', code: 'ERR_KOMBU_CONTENT_DISALLOWED' },
    });
    await expect(
      client.call('strict', '{', { contentType: 'application/json', contentEncoding: 'utf-8' }),
    ).rejects.toMatchObject({ remote: { name: 'DecodeError' } });
    await expect(client.call('strict', {})).rejects.toMatchObject({ remote: { name: 'EncodeError' } });
    expect(DecodeError.name).toBe('DecodeError');
    await until(async () => {
      const { messageCount } = await new Queue('strict').bind(connection).queueDeclare({ passive: true });
      return messageCount === 0;
    });
    await connection.close();
  });

  it('does not mind a caller that has gone, nor a request that wants no reply', async () => {
    const { connection } = openMemory();
    const seen: unknown[] = [];
    await using _server = await connection.rpcServer('oneway', (payload) => seen.push(payload));
    await connection.producer().publish('a', { routingKey: 'oneway' });
    await connection.producer().publish('b', { routingKey: 'oneway', replyTo: 'gone', correlationId: '1' });
    await until(() => seen.length === 2);
    await using client = connection.rpcClient();
    expect(await client.call('oneway', 'c')).toBe(3);
    await connection.close();
  });

  it('goes on when the link is lost', async () => {
    const { connection, transport } = openMemory(retry);
    await using _server = await connection.rpcServer<number>('echo', async (n) => {
      await settle(2);
      return n;
    });
    await using client = connection.rpcClient({ timeoutMs: 10_000 });
    let failed = 0;
    for (let n = 0; n < 60; n++) {
      if (n % 10 === 5) transport.failLinks();
      const answer = await client.call('echo', n, { retry: true, timeoutMs: 2000 }).catch(() => undefined);
      if (answer === undefined) failed++;
      else expect(answer).toBe(n);
    }
    expect(failed).toBeLessThan(10);
    expect(await client.call('echo', 99, { retry: true })).toBe(99);
    await connection.close();
  });

  it('lets requests that are worked on finish when the server closes', async () => {
    const { connection } = openMemory();
    let state = 'idle';
    const server = await connection.rpcServer('slow', async () => {
      state = 'working';
      await settle(10);
      return 'done';
    });
    await using client = connection.rpcClient();
    const answer = client.call('slow', 1);
    await until(() => state === 'working');
    await server.close();
    expect(await answer).toBe('done');
    await connection.close();
  });

  it('refuses bad arguments', async () => {
    const { connection } = openMemory();
    expect(() => connection.rpcClient({ timeout: 1 } as never)).toThrow("no option 'timeout'");
    await expect(connection.rpcServer('q', undefined as never)).rejects.toThrow('a handler is needed');
    await using client = connection.rpcClient();
    await expect(client.call({} as never, 1)).rejects.toThrow('a queue or its name');
    await connection.close();
  });
});

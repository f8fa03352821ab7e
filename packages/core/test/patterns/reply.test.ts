import { describe, expect, it } from '@jest/globals';
import {
  Broadcast,
  ChannelError,
  collectReplies,
  drainConsumer,
  Exchange,
  eventloop,
  ignoreErrors,
  itermessages,
  maybeDeclare,
  Queue,
  sendReply,
} from '../../src/index.js';
import { openMemory, until } from '../support/memory.js';

const queue = new Queue<string>('q');

async function filled(...texts: string[]) {
  const { connection, transport } = openMemory();
  const producer = connection.producer();
  for (const text of texts) await producer.publish(text, { routingKey: 'q', declare: [queue as Queue] });
  return { connection, transport, producer };
}

async function ready(connection: Awaited<ReturnType<typeof filled>>['connection'], name = 'q'): Promise<number> {
  return (await new Queue(name).bind(connection).queueDeclare({ passive: true })).messageCount;
}

describe('itermessages', () => {
  it('yields so many messages and leaves the others', async () => {
    const { connection } = await filled('a', 'b', 'c');
    const seen: string[] = [];
    for await (const message of itermessages(connection, undefined, queue, { limit: 2, timeoutMs: 1000 })) {
      seen.push(message.payload);
      await message.ack();
    }
    expect(seen).toEqual(['a', 'b']);
    expect(await ready(connection)).toBe(1);
    await connection.close();
  });

  it('yields one unless a limit is given, and it stays settleable', async () => {
    const { connection } = await filled('a', 'b');
    const channel = connection.channel();
    const got = [];
    for await (const message of itermessages(connection, channel, queue)) got.push(message);
    expect(got).toHaveLength(1);
    expect(await ready(connection)).toBe(1);
    await got[0]?.requeue();
    expect(await ready(connection)).toBe(2);
    expect(channel.state).toBe('open');
    await connection.close();
  });

  it('ends when no message comes in time', async () => {
    const { connection } = await filled('a');
    const seen: string[] = [];
    for await (const message of itermessages(connection, undefined, queue, { limit: 9, timeoutMs: 20, noAck: true })) {
      seen.push(message.payload);
    }
    expect(seen).toEqual(['a']);
    await connection.close();
  });

  it('is aborted', async () => {
    const { connection } = await filled();
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 10);
    const next = itermessages(connection, undefined, queue, { signal: abort.signal }).next();
    await expect(next).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
    await expect(itermessages(connection, undefined, queue, { signal: abort.signal }).next()).rejects.toMatchObject({
      code: 'ERR_KOMBU_ABORTED',
    });
    await connection.close();
  });

  it('refuses a limit that is no number', async () => {
    const { connection } = await filled();
    await expect(itermessages(connection, undefined, queue, { limit: -1 }).next()).rejects.toThrow("'limit'");
    await connection.close();
  });
});

describe('drainConsumer', () => {
  it('yields what a consumer gets', async () => {
    const { connection } = await filled('a', 'b', 'c');
    const consumer = connection.consumer({ queues: [queue], noAck: true });
    const seen: string[] = [];
    for await (const { payload } of drainConsumer(consumer, { limit: 3 })) seen.push(payload);
    expect(seen).toEqual(['a', 'b', 'c']);
    await connection.close();
  });
});

describe('eventloop', () => {
  it('yields when something was delivered', async () => {
    const { connection, producer } = await filled('a');
    const seen: string[] = [];
    const consumer = connection.consumer({
      queues: [queue],
      onMessage: ({ payload }) => seen.push(payload),
      noAck: true,
    });
    await consumer.consume();
    let turns = 0;
    for await (const _ of eventloop(connection, { limit: 2, timeoutMs: 2000 })) {
      turns++;
      if (turns === 1) await producer.publish('b', { routingKey: 'q' });
    }
    expect(turns).toBe(2);
    await until(() => seen.length === 2);
    await connection.close();
  });

  it('ends in TimeoutError, unless timeouts are ignored', async () => {
    const { connection } = openMemory();
    await expect(eventloop(connection, { timeoutMs: 5 }).next()).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
    let turns = 0;
    for await (const _ of eventloop(connection, { timeoutMs: 5, ignoreTimeouts: true, limit: 3 })) turns++;
    expect(turns).toBe(0);
    await connection.close();
    await expect(eventloop(connection, { ignoreTimeouts: true }).next()).rejects.toMatchObject({
      code: 'ERR_KOMBU_CLOSED',
    });
  });
});

describe('sendReply and collectReplies', () => {
  it('bring an answer back, in the serializer of the request', async () => {
    const { connection } = openMemory();
    const requests = new Queue('requests');
    const replies = new Queue('replies', { expiresMs: 10_000 });
    await replies.bind(connection).declare();
    await connection.producer().publish(
      { n: 20 },
      {
        routingKey: 'requests',
        declare: [requests],
        replyTo: replies,
        correlationId: 'id-1',
        serializer: 'msgpack',
      },
    );
    const types: unknown[] = [];
    connection
      .consumer({
        queues: [requests],
        accept: ['msgpack'],
        onMessage: async (message) => {
          types.push(message.contentType, message.properties.correlationId);
          await sendReply('', message, { n: (message.payload as { n: number }).n + 1 });
          await sendReply('', message, { n: 0 }, { producer: connection.producer(), retry: true });
          await message.ack();
        },
      })
      .consume();
    const got: unknown[] = [];
    for await (const body of collectReplies(connection, undefined, replies, {
      limit: 2,
      timeoutMs: 2000,
      accept: ['msgpack'],
    })) {
      got.push(body);
    }
    expect(got).toEqual([{ n: 21 }, { n: 0 }]);
    expect(types).toEqual(['application/x-msgpack', 'id-1']);
    await expect(ready(connection, 'replies')).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
    await connection.close();
  });

  it('acknowledge replies where they are asked to, and keep the queue when none came', async () => {
    const { connection } = await filled('one');
    const got: unknown[] = [];
    for await (const body of collectReplies(connection, connection.channel(), queue, { noAck: false })) got.push(body);
    expect(got).toEqual(['one']);
    await new Queue('empty').bind(connection).declare();
    for await (const body of collectReplies(connection, undefined, new Queue('empty'), { timeoutMs: 5 }))
      got.push(body);
    expect(got).toHaveLength(1);
    expect(await ready(connection, 'empty')).toBe(0);
    await connection.close();
  });

  it('cannot answer a message without reply-to', async () => {
    const { connection } = await filled('a');
    const message = await queue.bind(connection).get();
    await expect(sendReply('', message as never, 1)).rejects.toThrow('no reply-to');
    await connection.close();
  });
});

describe('maybeDeclare', () => {
  it('declares once for a link, and again what may go away by itself', async () => {
    const { connection, transport } = openMemory({ reconnect: { intervalStartMs: 1, intervalMaxMs: 5 } });
    const channel = connection.channel();
    expect(await maybeDeclare(queue as Queue, channel)).toBe(true);
    expect(await maybeDeclare(queue as Queue, channel, { retry: true })).toBe(false);
    const expiring = new Queue('expiring', { expiresMs: 60_000 });
    expect([await maybeDeclare(expiring, channel), await maybeDeclare(expiring, channel)]).toEqual([true, true]);
    const auto = new Queue('auto', { autoDelete: true });
    expect([await maybeDeclare(auto, channel), await maybeDeclare(auto, channel)]).toEqual([true, true]);
    const { generation } = channel;
    transport.failLinks();
    await until(() => channel.generation > generation);
    expect(await maybeDeclare(queue as Queue, channel)).toBe(true);
    await connection.close();
  });
});

describe('ignoreErrors', () => {
  it('ignores errors of link and channel only', async () => {
    const { connection } = openMemory();
    expect(await ignoreErrors(connection, () => 7)).toBe(7);
    const missing = (): never => {
      throw new ChannelError('NOT_FOUND', 'no such queue');
    };
    expect(await ignoreErrors(connection, missing)).toBeUndefined();
    await expect(
      ignoreErrors(connection, () => {
        throw new TypeError('mine');
      }),
    ).rejects.toThrow('mine');
    await connection.close();
  });
});

describe('Broadcast', () => {
  it('gives everybody a copy', async () => {
    const { connection } = openMemory();
    const seen: string[] = [];
    for (const name of ['one', 'two']) {
      const news = new Broadcast<string>('news', { noAck: true });
      await connection
        .consumer({ queues: [news], onMessage: ({ payload }) => seen.push(`${name} ${payload}`) })
        .consume();
    }
    await connection.producer().publish('hello', { exchange: new Broadcast('news').exchange });
    await until(() => seen.length === 2);
    expect(seen.toSorted()).toEqual(['one hello', 'two hello']);
    await connection.close();
  });

  it('has a name of its own, or the one that it is given', () => {
    const [a, b] = [new Broadcast('news'), new Broadcast('news')];
    expect(a.name).toMatch(/^bcast\.[0-9a-f-]{36}$/);
    expect(a.name).not.toBe(b.name);
    expect(a.exchange.toJSON()).toEqual(new Exchange('news', { type: 'fanout', autoDelete: true }).toJSON());
    expect([a.autoDelete, a.alias]).toEqual([true, 'news']);
    expect(new Broadcast('news', { queue: 'mine' }).name).toBe('mine');
    expect(new Broadcast('news', { queue: 'mine', unique: true }).name).toMatch(/^mine\.[0-9a-f-]{36}$/);
    const own = new Broadcast('news', { exchange: 'other', autoDelete: false, alias: 'x' });
    expect([own.exchange.name, own.autoDelete, own.alias]).toEqual(['other', false, 'x']);
    expect(() => new Broadcast('news', { nope: 1 } as never)).toThrow("no option 'nope'");
  });
});

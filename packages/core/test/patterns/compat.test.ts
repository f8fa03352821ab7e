import { describe, expect, it } from '@jest/globals';
import { Consumer, ConsumerSet, Publisher } from '../../src/compat/index.js';
import { openMemory, settle } from '../support/memory.js';

const feed = { queue: 'feed', exchange: 'feeds', routingKey: 'new' };

async function published(...bodies: unknown[]) {
  const { connection } = openMemory();
  const consumer = new Consumer(connection, feed);
  await consumer.declare();
  const publisher = new Publisher(connection, { exchange: 'feeds', routingKey: 'new' });
  for (const body of bodies) await publisher.send(body);
  return { connection, consumer, publisher };
}

describe('Publisher', () => {
  it('declares its exchange and sends', async () => {
    const { connection } = openMemory();
    const publisher = new Publisher(connection, {
      exchange: 'x',
      exchangeType: 'topic',
      durable: false,
      autoDelete: true,
    });
    expect(publisher.exchange.toJSON()).toEqual({ name: 'x', type: 'topic', durable: false, autoDelete: true });
    const channel = connection.channel();
    const other = new Publisher(connection, { channel, serializer: 'json' });
    expect([other.backend, other.serializer]).toEqual([channel, 'json']);
    await publisher.send('a', { routingKey: 'b' });
    expect(() => new Publisher(connection, { kind: 1 } as never)).toThrow("no option 'kind'");
    await connection.close();
  });
});

describe('Consumer', () => {
  it('fetches one message, with or without its callbacks', async () => {
    const { connection, consumer } = await published({ a: 1 }, { a: 2 });
    const seen: unknown[] = [];
    consumer.registerCallback((body) => seen.push(body));
    const first = await consumer.fetch();
    expect(first?.payload).toEqual({ a: 1 });
    await first?.ack();
    expect(seen).toEqual([]);
    await (await consumer.processNext())?.ack();
    expect(seen).toEqual([{ a: 2 }]);
    expect(await consumer.fetch({ noAck: true })).toBeUndefined();
    await connection.close();
  });

  it('iterates over the queue until it is empty', async () => {
    const { connection, consumer } = await published('a', 'b', 'c');
    const seen: unknown[] = [];
    for await (const message of consumer.iterqueue({ limit: 2 })) seen.push(message.payload);
    expect(seen).toEqual(['a', 'b']);
    for await (const message of consumer.iterqueue()) seen.push(message.payload);
    expect(seen).toEqual(['a', 'b', 'c']);
    const abort = new AbortController();
    const endless = consumer.iterqueue({ infinite: true, signal: abort.signal }).next();
    await settle();
    abort.abort();
    await expect(endless).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
    await connection.close();
  });

  it('consumes so many messages and no more', async () => {
    const { connection, consumer } = await published(1, 2, 3, 4);
    const seen: unknown[] = [];
    consumer.registerCallback((body, message) => {
      seen.push(body);
      return message.ack();
    });
    let turns = 0;
    for await (const _ of consumer.iterconsume({ limit: 2 })) turns++;
    expect([turns, seen]).toEqual([2, [1, 2]]);
    await consumer.wait(1);
    expect(seen).toEqual([1, 2, 3]);
    await consumer.close();
    await connection.close();
  });

  it('discards all that is ready', async () => {
    const { connection, consumer } = await published(1, 2);
    await expect(consumer.discardAll((() => true) as never)).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_SUPPORTED' });
    expect(await consumer.discardAll()).toBe(2);
    await connection.close();
  });
});

describe('ConsumerSet', () => {
  it('consumes from the queues of dictionaries and of consumers', async () => {
    const { connection, consumer } = await published('a');
    const set = new ConsumerSet(connection, {
      fromDict: { other: { exchange: 'others', exchange_type: 'topic', routing_key: '#' } },
      consumers: [consumer],
    });
    set.addConsumerFromDict('third', { exchange: 'feeds', routing_key: 'third' });
    expect(set.queues.map(({ name }) => name)).toEqual(['other', 'feed', 'third']);
    const seen: unknown[] = [];
    set.registerCallback((body, message) => {
      seen.push(body);
      return message.ack();
    });
    for await (const _ of set.iterconsume({ limit: 1 }));
    expect(seen).toEqual(['a']);
    await set.close();
    await connection.producer().publish('b', { exchange: 'others', routingKey: 'x' });
    const again = new ConsumerSet(connection, {
      fromDict: { other: { exchange: 'others', exchange_type: 'topic', routing_key: '#' } },
    });
    expect(await again.discardAll()).toBe(1);
    await connection.close();
  });
});

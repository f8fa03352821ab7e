import assert from 'node:assert/strict';
import { type Connection, KombuError, type Message } from '@kombu/core';
import { consume, declare, holds, isEmpty, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf, ids } from '../collector.js';
import { refuses } from '../expect.js';
import { pass } from '../wait.js';

/** Ending: at any moment, as often as one likes, without losing anything. */
export const close = group('close', [
  testCase('closing twice, side by side and again, is closing once', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    const consumer = await consume(connection, queue, () => {});
    const producer = t.producer(connection);
    const channel = connection.channel();
    for (const part of [consumer, producer, channel, connection]) {
      await t.within('closing', Promise.all([part.close(), part.close()]));
      await t.within('closing again', part.close());
    }
    await refuses('a closed connection', () => queue.bind(connection).queueDeclare(), 'CLOSED');
    await refuses('a closed producer', () => producer.publish('x', { routingKey: queue.name }), 'CLOSED');
  }),

  testCase('a connection that was never used closes', async (t) => {
    const connection = await t.unconnected();
    await connection.close();
    await refuses('connect', () => connection.connect(), 'CLOSED');
  }),

  testCase('close waits for running handlers; what they acknowledge stays acknowledged', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(3));
    let ended = 0;
    const got = await t.collector();
    const handler = async (message: Message): Promise<void> => {
      got.add(message);
      await pass(150);
      await message.ack();
      ended += 1;
    };
    await consume(connection, queue, handler, { prefetchCount: 3 });
    await got.waitFor(3);
    await t.within('closing', connection.close());
    assert.equal(ended, 3);
    await isEmpty(t, await t.open(), queue);
  }),

  testCase('close from inside a handler does not wait for that handler', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(3));
    let closed = 0;
    const handler = async (message: Message): Promise<void> => {
      await message.ack();
      await connection.close();
      closed += 1;
    };
    await consume(connection, queue, handler, { prefetchCount: 1 });
    await t.until('the handler closes its connection', () => closed === 1);
    await holds(t, await t.open(), queue, ids(3).slice(1));
  }),

  testCase('closing a consumer from inside its handler works, too', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(3));
    let closed = 0;
    const consumer = connection.consumer({
      queues: [queue],
      prefetchCount: 3,
      concurrency: 1,
      onMessage: async (message: Message) => {
        await message.ack();
        await consumer.close();
        closed += 1;
      },
    });
    await consumer.consume();
    await t.until('the handler closes its consumer', () => closed === 1);
    await holds(t, connection, queue, ids(3).slice(1));
  }),

  testCase('a handler that takes too long is not waited for beyond drainMs; its message goes back', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ['it']);
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const got = await t.collector();
    await consume(connection, queue, async (message: Message) => {
      got.add(message);
      await held;
    });
    await got.waitFor(['it']);
    await t.within('closing', connection.close({ drainMs: 50 }));
    await holds(t, await t.open(), queue, ['it']);
    letGo();
  }),

  testCase('a consumer that waits for messages closes at once', async (t) => {
    const connection = await t.connection();
    const waiting = connection.consumer({ queues: [t.queue()] });
    const ended = (async () => {
      for await (const message of waiting) assert.fail(`nothing was sent, but ${idOf(message)} came`);
      return true;
    })();
    const handling = await consume(connection, t.queue(), () => {});
    await t.within('a consumer with a handler', handling.close());
    await t.within('an iterating consumer', waiting.close());
    assert.equal(await t.within('the loop ends', ended), true);
  }),

  testCase('a consumer whose messages nobody reads closes; nothing is lost', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(20));
    const consumer = connection.consumer({ queues: [queue], prefetchCount: 10 });
    const iterator = consumer[Symbol.asyncIterator]();
    const first = await t.within('the first message', iterator.next());
    assert.equal(first.done, false);
    await t.within('closing', connection.close({ drainMs: 50 }));
    await holds(t, await t.open(), queue, ids(20));
  }),

  testCase('everything unsettled goes back when its connection closes', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(30));
    const got = await t.collector();
    await consume(connection, queue, got.hold, { prefetchCount: 20 });
    await got.waitFor(20);
    const acked = got.messages.slice(0, 7);
    for (const message of acked) await message.ack();
    await connection.close({ drainMs: 0 });
    const left = ids(30).filter((id) => !acked.some((message) => idOf(message) === id));
    await holds(t, await t.open(), queue, left);
  }),

  testCase('closing a producer waits for its publishes in flight', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const producer = t.producer(connection);
    const publishes = Promise.all(ids(50).map((id) => producer.publish({ id }, { routingKey: queue.name })));
    await t.within('closing', producer.close());
    await t.within('every publish ends', publishes);
    await holds(t, connection, queue, ids(50));
  }),

  testCase('closing a connection ends every publish in flight; what was confirmed is there', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const producer = t.producer(connection);
    await producer.publish({ id: 'first' }, { routingKey: queue.name });
    const publishes = Promise.allSettled(ids(50).map((id) => producer.publish({ id }, { routingKey: queue.name })));
    await t.within('closing', connection.close());
    const outcomes = await t.within('every publish ends', publishes);
    const fresh = await t.open();
    const got = await t.collector();
    await consume(fresh, queue, got.ack);
    await got.waitFor(['first', ...ids(50).filter((_, i) => outcomes[i]?.status === 'fulfilled')]);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(KombuError.is(outcome.reason), String(outcome.reason));
    }
  }),

  testCase('dispose at the end of a scope, after close and while closing', async (t) => {
    const queue = t.queue();
    const made: Connection[] = [];
    const scope = async (connection: Connection): Promise<void> => {
      made.push(connection);
      try {
        await connection.connect();
        await send(t, connection, { routingKey: queue.name }, ['it'], { declare: [queue] });
      } finally {
        await connection[Symbol.asyncDispose]();
      }
    };
    await scope(await t.unconnected());
    const [first] = made;
    assert.equal(first?.connected, false);
    await first?.[Symbol.asyncDispose]();
    const second = await t.open();
    await t.within('both', Promise.all([second.close(), second[Symbol.asyncDispose]()]));
    await holds(t, await t.open(), queue, ['it']);
  }),
]);

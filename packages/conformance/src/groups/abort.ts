import assert from 'node:assert/strict';
import { type Connection, KombuError, type Message } from '@kombu/core';
import { consume, declare, holds, isEmpty, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf, ids } from '../collector.js';
import { refuses } from '../expect.js';
import { pass } from '../wait.js';

/** Signals: every wait ends when it is told to, and nothing is lost by that. */
export const abort = group('abort', [
  testCase('a signal that is aborted already ends every call with AbortedError', async (t) => {
    const connection = await t.connection();
    const queue = t.queue({ exchange: t.exchange('direct'), routingKey: 'k' });
    await declare(connection, queue);
    const signal = AbortSignal.abort();
    const channel = connection.channel();
    const spec = { name: t.name('q'), durable: true, exclusive: false, autoDelete: false, arguments: {} };
    const calls: Readonly<Record<string, () => unknown>> = {
      declareQueue: () => channel.declareQueue(spec, { signal }),
      purgeQueue: () => channel.purgeQueue(queue.name, { signal }),
      deleteQueue: () => channel.deleteQueue(queue.name, { signal }),
      get: () => channel.get(queue.name, { signal }),
      publish: () => t.producer(connection).publish({ id: 'no' }, { routingKey: queue.name, signal }),
    };
    for (const [name, call] of Object.entries(calls)) await refuses(name, call, 'ABORTED');
    await isEmpty(t, connection, queue);
  }),

  testCase(
    'receives that are aborted at random moments lose nothing and double nothing',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue();
      await declare(connection, queue);
      const { aborts } = t.environment.scale;
      const all = ids(aborts);
      const got = await t.collector();
      const publishing = (async () => {
        for (const id of all) {
          await send(t, connection, queue, [id]);
          if (t.random.next() < 0.2) await pass(t.random.between(0, 2));
        }
      })();
      const receive = async (receiving: Connection): Promise<void> => {
        const controller = new AbortController();
        const aborting = pass(t.random.between(0, 4)).then(() => controller.abort());
        try {
          const options = { queues: [queue], prefetchCount: t.random.between(1, 8), signal: controller.signal };
          for await (const message of receiving.consumer(options)) {
            got.add(message);
            await message.ack();
          }
        } catch (error) {
          assert.ok(KombuError.is(error) && /ABORTED|CLOSED/.test(error.code), String(error));
        }
        await aborting;
      };
      for (let i = 0; i < aborts; i++) {
        if (i % 10 > 0) {
          await receive(connection);
          continue;
        }
        // Now and then a whole connection goes in the middle of it.
        const short = await t.open();
        const receiving = receive(short);
        await pass(t.random.between(0, 4));
        await short.close();
        await receiving;
      }
      await publishing;
      const consumer = await consume(connection, queue, got.ack);
      await got.waitFor(all);
      await consumer.close();
      got.assertExactly(all);
      await isEmpty(t, connection, queue);
    },
    { extraMs: 60_000 },
  ),

  testCase('gets that are aborted while they run lose nothing', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const all = ids(40);
    await send(t, connection, queue, all);
    const got = await t.collector();
    const channel = connection.channel();
    const bound = queue.bind(channel);
    for (let i = 0; i < 60; i++) {
      const controller = new AbortController();
      const taking = bound.get({ signal: controller.signal });
      if (t.random.next() < 0.5) controller.abort();
      else setTimeout(() => controller.abort(), t.random.between(0, 2));
      const message = await taking.catch((error: { code?: string }) => {
        assert.equal(error.code, 'ERR_KOMBU_ABORTED', String(error));
        return undefined;
      });
      if (message === undefined) continue;
      got.note(idOf(message));
      await message.ack();
    }
    await channel.close();
    const consumer = await consume(connection, queue, got.ack);
    await got.waitFor(all);
    await consumer.close();
    got.assertExactly(all);
  }),

  testCase('a consumer whose signal is aborted ends; its unsettled messages go back', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(10));
    const controller = new AbortController();
    const seen: Message[] = [];
    await consume(connection, queue, (message: Message) => void seen.push(message), {
      prefetchCount: 5,
      signal: controller.signal,
    });
    await t.until('five messages', () => seen.length === 5);
    const [first] = seen;
    await first?.ack({ confirm: true });
    controller.abort();
    await connection.close({ drainMs: 0 });
    await holds(
      t,
      await t.open(),
      queue,
      ids(10).filter((id) => first !== undefined && id !== idOf(first)),
    );
  }),

  testCase('drainEvents ends at its deadline and when it is aborted', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    const got = await t.collector();
    await consume(connection, queue, got.ack);
    await refuses('deadline', () => connection.drainEvents({ timeoutMs: 30 }), 'TIMEOUT');
    const signal = AbortSignal.timeout(30);
    await refuses('abort', () => connection.drainEvents({ signal }), 'ABORTED');
    await send(t, connection, queue, ['it']);
    await t.within('drainEvents', connection.drainEvents({ timeoutMs: t.waitMs }));
    await got.waitFor(['it']);
  }),
]);

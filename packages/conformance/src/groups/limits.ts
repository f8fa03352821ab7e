import assert from 'node:assert/strict';
import type { Message } from '@kombu/core';
import { declare, drain, fetchOne, holds, isEmpty, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf, ids } from '../collector.js';
import { deadLetter, directExchanges, expiryMs, maxLength, messageTtl } from '../features.js';
import { pass } from '../wait.js';

interface Death {
  readonly queue: string;
  readonly reason: string;
  readonly count: number;
  readonly exchange: string;
  readonly 'routing-keys': readonly string[];
}

function deaths(message: Message): readonly Death[] {
  const value = message.headers['x-death'];
  assert.ok(Array.isArray(value), 'there is an x-death header');
  return value as readonly Death[];
}

/** Queues that are full, and what becomes of messages that are dropped. */
export const limits = group('limits', [
  testCase(
    'max-length drops the oldest',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue({ maxLength: 5 });
      await declare(connection, queue);
      for (const id of ids(12)) await send(t, connection, queue, [id]);
      assert.deepEqual(await drain(t, connection, queue), ids(12).slice(7));
    },
    { features: [maxLength] },
  ),

  testCase(
    'max-length counts what is ready, not what is held',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue({ maxLength: 2 });
      await declare(connection, queue);
      await send(t, connection, queue, ['held']);
      const held = await fetchOne(t, connection, queue);
      for (const id of ['a', 'b']) await send(t, connection, queue, [id]);
      assert.deepEqual(await drain(t, connection, queue), ['a', 'b']);
      await held.ack({ confirm: true });
      await isEmpty(t, connection, queue);
    },
    { features: [maxLength] },
  ),

  testCase(
    'max-length-bytes drops the oldest until the rest fits',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue({ maxLengthBytes: 1000 });
      await declare(connection, queue);
      const producer = t.producer(connection, { compression: undefined });
      const pad = 'x'.repeat(270);
      for (const id of ids(6)) await producer.publish({ id, pad }, { routingKey: queue.name });
      assert.deepEqual(await drain(t, connection, queue), ids(6).slice(3));
    },
    { features: [maxLength] },
  ),

  testCase(
    'a rejected message goes to the dead-letter exchange, with its story in x-death',
    async (t) => {
      const connection = await t.connection();
      const graves = t.queue({ exchange: t.exchange('direct'), routingKey: 'k' });
      const source = t.exchange('direct');
      const queue = t.queue({
        exchange: source,
        routingKey: 'k',
        queueArguments: { 'x-dead-letter-exchange': graves.exchange.name },
      });
      await declare(connection, graves, queue);
      await send(t, connection, { exchange: source, routingKey: 'k' }, ['it'], {
        headers: { h: 1 },
        correlationId: 'c',
      });
      await (await fetchOne(t, connection, queue)).reject();
      const dead = await fetchOne(t, connection, graves);
      assert.deepEqual([idOf(dead), dead.headers.h, dead.properties.correlationId], ['it', 1, 'c']);
      assert.deepEqual([dead.deliveryInfo.exchange, dead.deliveryInfo.routingKey], [graves.exchange.name, 'k']);
      const [death] = deaths(dead);
      assert.deepEqual(
        [death?.queue, death?.reason, Number(death?.count), death?.exchange, death?.['routing-keys']],
        [queue.name, 'rejected', 1, source.name, ['k']],
      );
      await dead.ack();
      await isEmpty(t, connection, queue);
    },
    { features: [deadLetter, directExchanges] },
  ),

  testCase(
    'x-death counts how often a message died in the same queue for the same reason',
    async (t) => {
      const connection = await t.connection();
      const [here, there] = [t.name('q'), t.name('q')];
      const leadsTo = (name: string) => ({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': name });
      const one = t.queue({ name: here, queueArguments: leadsTo(there) });
      const two = t.queue({ name: there, queueArguments: leadsTo(here) });
      await declare(connection, one, two);
      await send(t, connection, one, ['it']);
      for (let n = 1; n <= 3; n++) {
        await (await fetchOne(t, connection, one)).reject();
        const dead = await fetchOne(t, connection, two);
        const counts = new Map(deaths(dead).map((death) => [death.queue, Number(death.count)]));
        assert.deepEqual([counts.get(here), counts.get(there) ?? 0], [n, n - 1]);
        await dead.reject();
      }
      await holds(t, connection, one, ['it']);
    },
    { features: [deadLetter] },
  ),

  testCase(
    'what max-length pushes out is dead-lettered',
    async (t) => {
      const connection = await t.connection();
      const graves = t.queue();
      const queue = t.queue({
        maxLength: 2,
        queueArguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': graves.name },
      });
      await declare(connection, graves, queue);
      for (const id of ids(5)) await send(t, connection, queue, [id]);
      const dead = [];
      for (let i = 0; i < 3; i++) {
        const message = await fetchOne(t, connection, graves, { noAck: true });
        assert.equal(deaths(message)[0]?.reason, 'maxlen');
        dead.push(idOf(message));
      }
      assert.deepEqual(dead.sort(), ids(3));
      await holds(t, connection, queue, ids(5).slice(3));
      await isEmpty(t, connection, graves);
    },
    { features: [deadLetter, maxLength] },
  ),

  testCase(
    'what expires is dead-lettered, and does not expire again there',
    async (t) => {
      const connection = await t.connection();
      const ms = expiryMs(connection.capabilities);
      const graves = t.queue();
      const queue = t.queue({
        queueArguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': graves.name },
      });
      await declare(connection, graves, queue);
      await send(t, connection, queue, ['it'], { expirationMs: ms });
      await pass(ms * 2);
      const message = await t.until('the message in the dead-letter queue', async () => {
        await isEmpty(t, connection, queue);
        return graves.bind(connection).get();
      });
      assert.equal(idOf(message), 'it');
      assert.equal(deaths(message)[0]?.reason, 'expired');
      await message.requeue();
      await pass(ms * 2);
      await holds(t, connection, graves, ['it']);
    },
    { features: [deadLetter, messageTtl] },
  ),

  testCase(
    'acknowledged and requeued messages are not dead-lettered',
    async (t) => {
      const connection = await t.connection();
      const graves = t.queue();
      const queue = t.queue({
        queueArguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': graves.name },
      });
      await declare(connection, graves, queue);
      await send(t, connection, queue, ['a', 'b']);
      await (await fetchOne(t, connection, queue)).ack({ confirm: true });
      await (await fetchOne(t, connection, queue)).requeue();
      assert.equal((await drain(t, connection, queue)).length, 1);
      await isEmpty(t, connection, graves);
    },
    { features: [deadLetter] },
  ),
]);

import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, type Rabbitmq, startProxy, startRabbitmq } from '@kombu/brokers';
import { Connection, Queue, uuid } from '@kombu/core';
import { amqp } from '../src/index.js';

jest.setTimeout(120_000);
const broker = await startRabbitmq();
afterAll(() => (isUnavailable(broker) ? undefined : broker.close()));

function suite(rabbitmq: Rabbitmq): void {
  it('a confirmed settlement that the broker does not answer ends at its deadline, or by its signal', async () => {
    await using proxy = await startProxy(rabbitmq.port);
    await using connection = new Connection(proxy.through(rabbitmq.url), { transport: amqp });
    const queue = new Queue(`settle-${uuid()}`).bind(connection);
    await queue.declare();
    await connection.producer().publishMany([1, 2, 3], { routingKey: queue.name });
    const messages = [await queue.get(), await queue.get(), await queue.get()];
    await messages[0]?.ack({ confirm: true, timeoutMs: 10_000, signal: new AbortController().signal });
    proxy.freeze();
    const late = messages[1]?.ack({ confirm: true, timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
    const abort = new AbortController();
    const given = messages[2]?.reject({ requeue: true, confirm: true, signal: abort.signal });
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
    expect(messages.map((message) => message?.acknowledged)).toEqual([true, true, true]);
    proxy.resume();
    await using direct = new Connection(rabbitmq.url, { transport: amqp });
    await direct.channel().deleteQueue(queue.name);
  });

  it('a priority is a whole number from 0 to 255, and anything else is refused before it is sent', async () => {
    await using connection = new Connection(rabbitmq.url, { transport: amqp });
    const queue = new Queue(`priority-${uuid()}`).bind(connection);
    await queue.declare();
    const producer = connection.producer({ routingKey: queue.name });
    for (const priority of [1.5, -1, Number.NaN, 256, '5' as never]) {
      await expect(producer.publish(1, { priority })).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    }
    await producer.publish(1, { priority: 255 });
    expect((await queue.get({ noAck: true }))?.properties.priority).toBe(255);
    await queue.delete();
  });
}

describe('over RabbitMQ', () => {
  if (isUnavailable(broker)) it.skip(`skipped: ${broker.unavailable}`, () => {});
  else suite(broker);
});

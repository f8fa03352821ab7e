import { afterAll, describe, expect, it } from '@jest/globals';
import { AWKWARD_NAMES } from '@kombu/brokers';
import { Exchange, Queue } from '@kombu/core';
import { connect, keysBelow } from './support/connect.js';
import { startServer } from './support/server.js';

const server = await startServer();
const connection = connect(server);
afterAll(async () => {
  await connection.close();
  await server.close();
});

describe('a queue, an exchange and a routing key', () => {
  it.each(AWKWARD_NAMES.map((name) => [JSON.stringify(name), name]))('can be called %s', async (_, name) => {
    const exchange = new Exchange(`x${name}`, { type: 'direct' });
    const queue = new Queue(name, { exchange, routingKey: name });
    const bound = queue.bind(connection);
    await bound.declare();
    await connection.producer({ exchange }).publish('it', { routingKey: name });
    expect((await bound.queueDeclare({ passive: true })).messageCount).toBe(1);
    const message = await bound.get();
    expect(message?.payload).toBe('it');
    await message?.requeue({ confirm: true });
    await (await bound.get())?.ack({ confirm: true });
    await bound.delete();
    await exchange.bind(connection).delete();
    await expect(bound.queueDeclare({ passive: true })).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
    expect(Object.keys(await keysBelow(server, 'kombu/')).filter((key) => !/sessions|held/.test(key))).toEqual([]);
  });
});

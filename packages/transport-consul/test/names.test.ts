import { afterAll, describe, expect, it } from '@jest/globals';
import { AWKWARD_NAMES } from '@kombu/brokers';
import { Exchange, Queue } from '@kombu/core';
import { connect, fetched, keysBelow } from './support/connect.js';
import { withServer } from './support/server.js';

await withServer({}, (server) => {
  const connection = connect(server);
  afterAll(async () => {
    await connection.close();
    await server.close();
  });

  it('what Consul takes no key for ends one call, not the link', async () => {
    await connection.connect();
    const lost: unknown[] = [];
    connection.on('disconnected', (event) => lost.push(event));
    // Newer than the Unicode of any server, and so not known to be printable.
    const queue = new Queue('\u{1fffd}').bind(connection);
    await queue.queueDeclare().then(
      () => queue.delete(),
      (error: unknown) => expect(error).toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED', retryable: false }),
    );
    expect(lost).toEqual([]);
  });

  describe('a queue, an exchange and a routing key', () => {
    it.each(AWKWARD_NAMES.map((name) => [JSON.stringify(name), name]))('can be called %s', async (_, name) => {
      const exchange = new Exchange(`x${name}`, { type: 'direct' });
      const queue = new Queue(name, { exchange, routingKey: name });
      const bound = queue.bind(connection);
      await bound.declare();
      await connection.producer({ exchange }).publish('it', { routingKey: name });
      expect((await bound.queueDeclare({ passive: true })).messageCount).toBe(1);
      const message = await fetched(connection, queue);
      expect(message.payload).toBe('it');
      await message.requeue({ confirm: true });
      await (await fetched(connection, queue)).ack({ confirm: true });
      await bound.delete();
      await exchange.bind(connection).delete();
      await expect(bound.queueDeclare({ passive: true })).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
      expect(await keysBelow(server, 'kombu/')).toEqual([]);
      expect(await keysBelow(server, 'kombu.node/queues/')).toEqual([]);
    });
  });
});

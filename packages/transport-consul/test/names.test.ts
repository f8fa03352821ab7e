import { afterAll, expect, it } from '@jest/globals';
import { AWKWARD_NAMES } from '@kombu/conformance';
import { Exchange, Queue } from '@kombu/core';
import { connect, keysBelow } from './support/connect.js';
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

  it('leaves no key of a queue or an exchange that is deleted, whatever its name', async () => {
    for (const name of AWKWARD_NAMES) {
      const exchange = new Exchange(`x${name}`, { type: 'direct' });
      const queue = new Queue(name, { exchange, routingKey: name }).bind(connection);
      await queue.declare();
      await connection.producer({ exchange }).publish('it', { routingKey: name });
      await queue.delete();
      await exchange.bind(connection).delete();
      expect([name, ...(await keysBelow(server, 'kombu/'))]).toEqual([name]);
      expect([name, ...(await keysBelow(server, 'kombu.node/queues/'))]).toEqual([name]);
    }
  });
});

import { afterAll, expect, it } from '@jest/globals';
import { AWKWARD_NAMES } from '@kombu/conformance';
import { Exchange, Queue } from '@kombu/core';
import { connect, keysBelow } from './support/connect.js';
import { startServer } from './support/server.js';

const server = await startServer();
const connection = connect(server);
afterAll(async () => {
  await connection.close();
  await server.close();
});

it('leaves no key of a queue or an exchange that is deleted, whatever its name', async () => {
  for (const name of AWKWARD_NAMES) {
    const exchange = new Exchange(`x${name}`, { type: 'direct' });
    const queue = new Queue(name, { exchange, routingKey: name }).bind(connection);
    await queue.declare();
    await connection.producer({ exchange }).publish('it', { routingKey: name });
    await (await queue.get())?.requeue({ confirm: true });
    await queue.delete();
    await exchange.bind(connection).delete();
    const left = Object.keys(await keysBelow(server, 'kombu/')).filter((key) => !/sessions|held/.test(key));
    expect([name, ...left]).toEqual([name]);
  }
});

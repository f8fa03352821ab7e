import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { startProxy, until } from '@kombu/brokers';
import { type Connection, KombuError, type Message, Queue } from '@kombu/core';
import type Client from 'consul';
import { MAX_BODY_BYTES } from '../src/layout.js';
import { connect, fetched, keysBelow, through } from './support/connect.js';
import { withServer } from './support/server.js';

jest.setTimeout(30_000);

/** A process that takes a message and holds it; resolves once it has it. */
async function holder(url: string, queue: string, transportOptions: object) {
  const script = `
    import { Connection, Queue } from '@kombu/core';
    import { consul } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const connection = new Connection(${JSON.stringify(url)}, {
      transport: consul, transportOptions: ${JSON.stringify(transportOptions)},
    });
    const consumer = connection.consumer({ queues: [new Queue(${JSON.stringify(queue)})], onMessage: () => console.log('has it') });
    await consumer.consume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

await withServer({}, (server) => {
  let number = 0;
  let queue: Queue;
  let connection: Connection;
  const open: Connection[] = [];
  const another = (leaseMs = 60_000, where: { readonly url: string } = server, more = {}): Connection => {
    const made = connect(where, { transportOptions: { leaseMs }, ...more });
    open.push(made);
    return made;
  };
  const publish = async (...ids: string[]): Promise<void> => {
    for (const id of ids) await connection.producer().publish(id, { routingKey: queue.name });
  };
  const sessions = async (): Promise<string[]> =>
    (await server.call('GET', 'session/list')).map(({ ID }: { ID: string }) => ID);

  beforeEach(async () => {
    queue = new Queue(`session${++number}`);
    connection = another();
    await queue.bind(connection).queueDeclare();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  afterAll(() => server.close());

  describe('a session', () => {
    it('that somebody destroys gives its messages to others, flagged; settling them is LEASE_LOST', async () => {
      await publish('it');
      const before = await sessions();
      const holding = another();
      const errors: KombuError[] = [];
      const held: Message[] = [];
      const consumer = holding.consumer({
        queues: [queue],
        onMessage: (message) => void held.push(message),
        onError: (error) => {
          errors.push(error as KombuError);
          return 'requeue';
        },
      });
      await consumer.consume();
      await until(() => held.length === 1, { what: 'it is held' });
      expect(held[0]?.deliveryInfo.redelivered).toBe(false);
      await consumer.cancel();
      const [session] = (await sessions()).filter((id) => !before.includes(id));
      await server.call('PUT', `session/destroy/${session}`);
      const again = await fetched(connection, queue);
      expect(again.deliveryInfo.redelivered).toBe(true);
      const lost = held[0]?.ack({ confirm: true });
      await expect(lost).rejects.toMatchObject({ code: 'ERR_KOMBU_LEASE_LOST' });
      await again.ack({ confirm: true });
      expect(await queue.bind(connection).get()).toBeUndefined();
      expect(await keysBelow(server, `kombu/${queue.name}/`)).toEqual([`kombu/${queue.name}/declared`]);
    });

    it('goes on over a lost link: what is held stays held, and can be settled over the next one', async () => {
      const proxy = await startProxy(server.port);
      try {
        const holding = another(60_000, through(server, proxy.port));
        const message = fetched(holding, queue);
        await publish('it');
        const held = await message;
        const all = await sessions();
        const revived = new Promise((resolve) => holding.on('revived', resolve));
        proxy.cut();
        await until(() => !holding.connected, { what: 'the loss is noticed' });
        proxy.resume();
        await revived;
        expect(await sessions()).toEqual(all);
        expect(await queue.bind(connection).get()).toBeUndefined();
        await held.ack({ confirm: true });
        expect(await keysBelow(server, `kombu/${queue.name}/`)).toEqual([`kombu/${queue.name}/declared`]);
      } finally {
        await proxy.close();
      }
    });

    it('does not keep what a link took without having heard of it', async () => {
      const proxy = await startProxy(server.port);
      try {
        const taking = another(60_000, through(server, proxy.port), { heartbeatMs: 3000 });
        await queue.bind(taking).queueDeclare();
        await publish('a', 'b');
        // The call goes through; its answer does not come back.
        proxy.slow(300);
        const got = queue.bind(taking).get({ timeoutMs: 20_000 });
        await until(async () => (await keysBelow(server, `kombu/${queue.name}/claim/`)).length === 1, {
          what: 'one is claimed',
          everyMs: 1,
        });
        proxy.freeze();
        const outcome = await got.then(
          (message) => message,
          (error: unknown) => error,
        );
        await until(() => !taking.connected, { what: 'the loss is noticed' });
        proxy.resume();
        await until(() => taking.connected, { what: 'it is back' });
        if (!KombuError.is(outcome)) await (outcome as Message).requeue();
        const first = await fetched(connection, queue);
        expect(first.payload).toBe('a');
        await first.ack();
        await (await fetched(connection, queue)).ack({ confirm: true });
      } finally {
        await proxy.close();
      }
    });

    it('goes on where the server has too much to do to settle: the next link settles what it holds', async () => {
      const holding = another();
      const message = fetched(holding, queue);
      await publish('it');
      const held = await message;
      const { transaction } = holding.driver as Client;
      let refused = 0;
      Object.assign(transaction, {
        create: async () => {
          refused++;
          throw Object.assign(new Error('too many requests'), { response: { statusCode: 429, body: 'rate limit' } });
        },
      });
      await held.ack();
      await until(async () => (await keysBelow(server, `kombu/${queue.name}/`)).length === 1, {
        what: 'it is settled',
        timeoutMs: 20_000,
      });
      expect(refused).toBeGreaterThan(3);
      expect(holding.connected).toBe(true);
    });

    it('goes on where the server has too much to do to put a large message back: the next link does', async () => {
      const holding = another();
      const message = fetched(holding, queue);
      await connection.producer().publish(Buffer.alloc(MAX_BODY_BYTES, 'k'), { routingKey: queue.name });
      const held = await message;
      Object.assign((holding.driver as Client).kv, {
        set: async () => {
          throw Object.assign(new Error('too many requests'), { response: { statusCode: 429, body: 'rate limit' } });
        },
      });
      await held.requeue();
      const again = await fetched(connection, queue, 20_000);
      expect(again.deliveryInfo.redelivered).toBe(true);
      await again.ack({ confirm: true });
      expect(await queue.bind(connection).get()).toBeUndefined();
    });

    it('is renewed while its process lives, and ended when the connection is closed', async () => {
      await publish('it');
      const before = await sessions();
      const holding = another(800);
      const held = await fetched(holding, queue);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      expect(await queue.bind(connection).get()).toBeUndefined();
      await held.ack({ confirm: true });
      await holding.close();
      expect(await sessions()).toEqual(before);
    });

    it('of a killed process ends within leaseMs, and no earlier than three quarters of it after its last renewal', async () => {
      await publish('it');
      const leaseMs = 3000;
      const child = await holder(server.url, queue.name, { leaseMs });
      const killed = performance.now();
      child.kill('SIGKILL');
      await once(child, 'close');
      const again = await fetched(connection, queue);
      const took = performance.now() - killed;
      expect(again.deliveryInfo.redelivered).toBe(true);
      expect(took).toBeGreaterThan(leaseMs / 2);
      expect(took).toBeLessThan(leaseMs + 1500);
      await again.ack();
    });
  });
});

await withServer({ sessionTtlMin: undefined } as never, (server) => {
  afterAll(() => server.close());

  describe("a server with Consul's own limits", () => {
    it('refuses a session that is shorter than ten seconds, and says which option is meant', async () => {
      const connection = connect(server, { transportOptions: { leaseMs: 19_000 } });
      const refused = connection.connect({ timeoutMs: 5000 });
      await expect(refused).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
      await expect(refused).rejects.toThrow('leaseMs');
      await connection.close();
    });

    // Twenty seconds of waiting are for the full count alone.
    const full = Number(process.env.KOMBU_TEST_SCALE ?? 0) >= 1;
    const slowly = full ? it : () => {};
    slowly(
      'gives back what a killed process held within twice those ten seconds',
      async () => {
        const connection = connect(server);
        const queue = new Queue('slow');
        await queue.bind(connection).queueDeclare();
        await connection.producer().publish('it', { routingKey: 'slow' });
        const child = await holder(server.url, 'slow', { leaseMs: 20_000 });
        const killed = performance.now();
        child.kill('SIGKILL');
        const again = await fetched(connection, queue, 25_000);
        expect(again.deliveryInfo.redelivered).toBe(true);
        expect(performance.now() - killed).toBeLessThan(21_500);
        await again.ack();
        await connection.close();
      },
      60_000,
    );
  });
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '@kombu/brokers';
import { type Connection, Queue } from '@kombu/core';
import { calls, connect } from './support/connect.js';
import { withServer } from './support/server.js';

jest.setTimeout(60_000);

await withServer({}, (server) => {
  const open: Connection[] = [];
  const another = (): Connection => {
    const made = connect(server);
    open.push(made);
    return made;
  };
  const fill = async (connection: Connection, queue: Queue, count: number): Promise<void> => {
    await queue.bind(connection).queueDeclare();
    const bodies = Array.from({ length: count }, (_, n) => ({ n }));
    await connection.producer().publishMany(bodies, { routingKey: queue.name });
  };

  afterAll(async () => {
    for (const one of open) await one.close();
    await server.close();
  });

  describe('the calls to the server', () => {
    it('are few for each message, however long the queue is', async () => {
      const connection = another();
      const queue = new Queue('long');
      await fill(connection, queue, 6000);
      const consuming = another();
      await consuming.connect();
      const made = calls(consuming);
      let count = 0;
      const order: number[] = [];
      const consumer = consuming.consumer<{ n: number }>({
        queues: [queue],
        prefetchCount: 100,
        onMessage: async (message) => {
          order.push(message.payload.n);
          count++;
          await message.ack();
        },
      });
      await consumer.consume();
      await until(() => count === 6000, { what: 'all have come', timeoutMs: 50_000 });
      await consumer.close();
      expect(order).toEqual([...Array(6000).keys()]);
      const transactions = made.filter((path) => path === 'txn').length;
      const listings = made.filter((path) => path.includes('?keys') && !path.includes('separator')).length;
      // 32 messages a transaction, once to take them and once to settle them; partly filled ones are allowed for.
      expect(transactions).toBeLessThan(700);
      expect(listings).toBeLessThan(30);
      expect(made.filter((path) => path.includes('recurse'))).toEqual([]);
    });

    it('are none while there is nothing to do, but for the renewals of the session', async () => {
      const connection = another();
      const queues = Array.from({ length: 5 }, (_, n) => new Queue(`idle${n}`));
      const seen: unknown[] = [];
      const consumer = connection.consumer({
        queues,
        onMessage: async (message) => {
          seen.push(message.payload);
          await message.ack({ confirm: true });
        },
      });
      await consumer.consume();
      await delay(500);
      const made = calls(connection);
      await delay(2500);
      expect(made.filter((path) => !path.startsWith('session/renew'))).toEqual([]);
      // And still a message comes at once.
      const other = another();
      const begun = performance.now();
      await other.producer().publish('it', { routingKey: 'idle3' });
      await until(() => seen.length === 1, { what: 'it has come', everyMs: 2 });
      expect(performance.now() - begun).toBeLessThan(1000);
      await consumer.close();
    });

    it('share a query where a consumer has very many queues', async () => {
      const connection = another();
      const queues = Array.from({ length: 80 }, (_, n) => new Queue(`many${n}`));
      await connection.connect();
      const made = calls(connection);
      const seen: unknown[] = [];
      const consumer = connection.consumer({
        queues,
        onMessage: async (message) => {
          seen.push(message.payload);
          await message.ack();
        },
      });
      await consumer.consume();
      const roots = (): number =>
        new Set(made.filter((path) => path.includes('separator')).map((p) => p.split('?')[0])).size;
      await until(() => roots() === 17, { what: 'all are watched' });
      const other = another();
      await other.producer().publish('first', { routingKey: 'many0' });
      await other.producer().publish('last', { routingKey: 'many79' });
      await until(() => seen.length === 2, { what: 'both have come', timeoutMs: 5000 });
      await consumer.close();
    });
  });
});

type Answer = (body: unknown, o?: { index?: number; status?: number }) => void;

/** A server that answers what `script` says, for what a real one cannot be made to do. */
async function scripted(
  script: (url: URL, answer: Answer) => void,
  body: (connection: Connection) => Promise<void>,
  transportOptions: object = {},
): Promise<void> {
  const fake = createServer((request, response) => {
    const answer: Answer = (content, { index = 1, status = 200 } = {}) => {
      response.statusCode = status;
      response.setHeader('X-Consul-Index', String(index));
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(content));
    };
    script(new URL(request.url ?? '', 'http://consul'), answer);
  });
  await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve));
  const url = `consul://127.0.0.1:${(fake.address() as AddressInfo).port}`;
  const connection = connect({ url }, { transportOptions });
  try {
    await body(connection);
  } finally {
    const closing = connection.close({ drainMs: 0 });
    fake.closeAllConnections();
    await closing;
    await new Promise((resolve) => fake.close(resolve));
  }
}

describe('blocking queries', () => {
  it('carry the index of the answer before, and begin anew when it goes back', async () => {
    const asked: number[] = [];
    const answers = [10, 12, 5, 7, 7];
    await scripted(
      ({ pathname, searchParams }, answer) => {
        if (pathname === '/v1/session/create') answer({ ID: 'a-session' });
        else if (searchParams.has('separator')) {
          asked.push(Number(searchParams.get('index')));
          const index = answers.shift();
          if (index !== undefined) answer(['kombu/q/declared'], { index });
        } else if (pathname === '/v1/txn') answer({ Results: [], Errors: null });
        else answer(searchParams.has('keys') ? [] : {});
      },
      async (connection) => {
        const consumer = connection.consumer({ queues: [new Queue('q', { noDeclare: true })], onMessage: () => {} });
        void consumer.consume().catch(() => {});
        await until(() => asked.length === 6, { what: 'it has asked six times' });
        expect(asked).toEqual([0, 10, 12, 0, 7, 7]);
      },
    );
  });
});

describe('blocking queries that are answered at once, without an index', () => {
  it('are asked seldom', async () => {
    let asked = 0;
    await scripted(
      ({ pathname, searchParams }, answer) => {
        if (pathname === '/v1/session/create') answer({ ID: 'a-session' });
        else if (searchParams.has('separator')) answer(['kombu/q/declared'], { index: ++asked && 0 });
        else if (pathname === '/v1/txn') answer({ Results: [], Errors: null });
        else answer(searchParams.has('keys') ? [] : {});
      },
      async (connection) => {
        const consumer = connection.consumer({ queues: [new Queue('q', { noDeclare: true })], onMessage: () => {} });
        void consumer.consume().catch(() => {});
        await until(() => asked > 3, { what: 'it has asked' });
        const before = asked;
        await delay(1500);
        expect(asked - before).toBeLessThan(8);
      },
    );
  });
});

describe('the session', () => {
  it('is renewed again after a renewal that was refused', async () => {
    let renewals = 0;
    await scripted(
      ({ pathname }, answer) => {
        if (pathname === '/v1/session/create') answer({ ID: 'a-session' });
        else if (!pathname.startsWith('/v1/session/renew')) answer({});
        else if (++renewals === 1) answer('Permission denied', { status: 403 });
        else answer([{}]);
      },
      async (connection) => {
        await connection.connect();
        await until(() => renewals === 3, { what: 'it was renewed three times' });
        expect(connection.connected).toBe(true);
      },
      { leaseMs: 300 },
    );
  });
});

describe('a server that has too much to do', () => {
  it('is asked again, a little later each time', async () => {
    let tries = 0;
    await scripted(
      ({ pathname }, answer) => {
        if (pathname === '/v1/session/create') answer({ ID: 'a-session' });
        else if (pathname !== '/v1/txn') answer({});
        else if (++tries < 4) answer('too many requests', { status: 429 });
        else answer({ Results: [], Errors: null });
      },
      async (connection) => {
        await connection.producer().publish('it', { routingKey: 'q', timeoutMs: 8000 });
        expect(tries).toBe(4);
      },
    );
  });
});

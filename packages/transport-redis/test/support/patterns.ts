import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isUnavailable, type Unavailable, until } from '@kombu/brokers';
import {
  Broadcast,
  Connection,
  Connections,
  type Consumer,
  type ConsumerFactory,
  ConsumerMixin,
  collectReplies,
  itermessages,
  KombuError,
  Mailbox,
  type Message,
  maybeDeclare,
  Producers,
  Queue,
  sendReply,
  type Transport,
  uuid,
} from '@kombu/core';
import type { PythonPeer } from '@kombu/interop';

/** A real broker to run the patterns on. */
export interface PatternBroker {
  readonly name: string;
  readonly url: string;
  readonly transport: Transport;
  /** Makes the broker drop all connections. */
  readonly killConnections: () => Promise<void>;
  /** Ends the broker and starts it again; absent: it cannot be. */
  readonly restart?: (() => Promise<void>) | undefined;
  readonly python: Readonly<Record<string, PythonPeer | Unavailable>>;
}

const RETRY = { reconnect: { intervalStartMs: 20, intervalStepMs: 20, intervalMaxMs: 200 } };

/** Runs pools, mixins, replies, request and reply, and remote control on a real broker. */
export function describePatterns({ name, url, transport, killConnections, restart, python }: PatternBroker): void {
  const open = (): Connection => new Connection(url, { transport, ...RETRY });
  let connection: Connection;
  let other: Connection;

  beforeAll(() => {
    connection = open();
    other = open();
  });
  afterAll(async () => {
    await connection.close();
    await other.close();
  });

  describe(`patterns on ${name}`, () => {
    it('pools lose nothing when the links fail', async () => {
      const queue = new Queue(`pools-${uuid()}`, { expiresMs: 60_000 });
      await queue.bind(connection).declare();
      const groups = new Connections({ limit: 4 });
      const producers = new Producers({ connections: groups, limit: 6 }).get(connection);
      const count = 200;
      const work = Array.from({ length: count }, async (_, n) => {
        await producers.use((producer) =>
          producer.publish({ n }, { routingKey: queue.name, retry: true, timeoutMs: 20_000 }),
        );
        if (n === 50 || n === 120) await killConnections();
      });
      await Promise.all(work);
      expect(groups.get(connection).idle).toBeLessThanOrEqual(4);
      const seen = new Set<number>();
      const messages = itermessages(connection, undefined, queue, { limit: Number.POSITIVE_INFINITY, timeoutMs: 3000 });
      for await (const message of messages) {
        seen.add((message.payload as { n: number }).n);
        await message.ack().catch(() => {});
        if (seen.size === count) break;
      }
      expect(seen.size).toBe(count);
      await producers.forceCloseAll();
      await groups.reset();
    });

    it('a mixin goes on after the links failed, and after a restart', async () => {
      const queue = new Queue<string>(`mixin-${uuid()}`, { durable: true });
      const seen = new Set<string>();
      class Worker extends ConsumerMixin {
        readonly connection = connection;
        ready = 0;
        getConsumers(consumer: ConsumerFactory): Consumer<string>[] {
          return [consumer<string>({ queues: [queue], onMessage: (message) => this.work(message) })];
        }
        async work(message: Message<string>): Promise<void> {
          seen.add(message.payload);
          await message.ack().catch(() => {});
        }
        override onConsumeReady(): void {
          this.ready++;
        }
        override onConnectionError(): void {}
      }
      const worker = new Worker();
      const running = worker.run();
      const put = (text: string) =>
        connection.producer().publish(text, { routingKey: queue.name, retry: true, timeoutMs: 20_000 });
      await until(() => worker.ready === 1, { what: 'the consumers', timeoutMs: 10_000 });
      await put('before');
      await until(() => seen.has('before'), { what: 'a message', timeoutMs: 10_000 });
      await killConnections();
      await put('after');
      await until(() => seen.has('after'), { what: 'a message after the links failed', timeoutMs: 20_000 });
      if (restart !== undefined) {
        await restart();
        await put('restarted');
        await until(() => seen.has('restarted'), { what: 'a message after the restart', timeoutMs: 30_000 });
      }
      worker.shouldStop = true;
      await running;
      await queue.bind(connection).delete();
    });

    it('requests are answered, many at once, and errors carried back', async () => {
      const queue = new Queue<number>(`rpc-${uuid()}`, { expiresMs: 60_000 });
      await using _server = await other.rpcServer(queue, (n) => {
        if (n < 0) throw new RangeError('below zero');
        return n * 2;
      });
      await using client = connection.rpcClient();
      const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => client.call(queue as Queue, n)));
      expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => n * 2));
      await expect(client.call(queue as Queue, -1)).rejects.toMatchObject({ remote: { name: 'RangeError' } });
      await expect(
        client.call(new Queue(`rpc-${uuid()}`, { expiresMs: 5000 }), 1, { timeoutMs: 50 }),
      ).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
    });

    it('requests are answered again after the links failed', async () => {
      const queue = new Queue<number>(`rpc-${uuid()}`, { expiresMs: 60_000 });
      await using _server = await other.rpcServer(queue, (n) => n + 1);
      await using client = connection.rpcClient();
      expect(await client.call(queue as Queue, 1)).toBe(2);
      await killConnections();
      const answer = await until(
        () =>
          client.call(queue as Queue, 2, { retry: true, timeoutMs: 2000 }).catch((error: unknown) => {
            if (!KombuError.is(error) || !error.retryable) throw error;
            return undefined;
          }),
        { what: 'an answer', timeoutMs: 20_000 },
      );
      expect(answer).toBe(3);
    });

    it('replies are sent and collected by hand', async () => {
      const requests = new Queue(`requests-${uuid()}`, { expiresMs: 60_000 });
      const replies = new Queue(`replies-${uuid()}`, { expiresMs: 60_000 });
      await replies.bind(connection).declare();
      await connection
        .producer()
        .publish({ n: 1 }, { routingKey: requests.name, declare: [requests], replyTo: replies, correlationId: 'c' });
      for await (const request of itermessages(other, undefined, requests, { timeoutMs: 10_000 })) {
        await sendReply('', request, { n: 2 });
        await request.ack();
      }
      const got: unknown[] = [];
      for await (const body of collectReplies(connection, undefined, replies, { timeoutMs: 10_000 })) got.push(body);
      expect(got).toEqual([{ n: 2 }]);
    });

    it('declarations are remembered for a link, and made again on the next', async () => {
      const channel = connection.channel();
      const queue = new Queue(`declared-${uuid()}`);
      expect([await maybeDeclare(queue, channel), await maybeDeclare(queue, channel)]).toEqual([true, false]);
      const { generation } = channel;
      await killConnections();
      await until(() => channel.generation > generation, { what: 'another link', timeoutMs: 20_000 });
      expect(await maybeDeclare(queue, channel, { retry: true })).toBe(true);
      await queue.bind(channel).delete();
      await channel.close();
    });

    it('a broadcast reaches everybody', async () => {
      const exchange = `news-${uuid()}`;
      const seen: string[] = [];
      const consumers: Consumer<string>[] = [];
      for (const [who, target] of [
        ['one', connection],
        ['two', other],
      ] as const) {
        const consumer = target.consumer<string>({
          queues: [new Broadcast<string>(exchange, { noAck: true })],
          onMessage: ({ payload }) => void seen.push(`${who} ${payload}`),
        });
        await consumer.consume();
        consumers.push(consumer);
      }
      await connection.producer().publish('hello', { exchange: new Broadcast(exchange).exchange });
      await until(() => seen.length === 2, { what: 'both copies', timeoutMs: 10_000 });
      expect(seen.toSorted()).toEqual(['one hello', 'two hello']);
      for (const consumer of consumers) await consumer.close();
    });

    for (const type of ['direct', 'fanout']) {
      it(`nodes of a ${type} mailbox answer`, async () => {
        const namespace = `ns-${uuid()}`;
        const listening: Consumer[] = [];
        for (const [hostname, target] of [
          ['a', connection],
          ['b', other],
        ] as const) {
          const mailbox = new Mailbox(namespace, { type }).bind(target);
          listening.push(await mailbox.node(hostname, { handlers: { echo: (_state, args) => args } }).listen());
        }
        const mailbox = new Mailbox(namespace, { type }).bind(connection);
        const replies = await mailbox.multiCall('echo', { x: 'ü' }, { limit: 2, timeoutMs: 10_000 });
        expect(replies).toHaveLength(2);
        expect(Object.assign({}, ...replies)).toEqual({ a: { x: 'ü' }, b: { x: 'ü' } });
        expect(await mailbox.call(['b'], 'nope', {}, { timeoutMs: 10_000 })).toEqual([
          { b: { error: expect.stringContaining("no command 'nope'") } },
        ]);
        for (const consumer of listening) await consumer.close();
      });
    }
  });

  for (const [version, peer] of Object.entries(python)) {
    describe(`patterns on ${name} with Python Kombu ${version}`, () => {
      if (isUnavailable(peer)) {
        it.skip(`skipped: ${peer.unavailable}`, () => {});
        return;
      }
      withPython(peer, url, () => connection);
    });
  }
}

function withPython(python: PythonPeer, url: string, current: () => Connection): void {
  beforeAll(() => python.open(url));

  for (const type of ['direct', 'fanout']) {
    it(`Python asks a node of ours (${type})`, async () => {
      const namespace = `py-${uuid()}`;
      const mailbox = new Mailbox(namespace, { type }).bind(current());
      const node = mailbox.node('node-1', { state: 5, handlers: { add: (state, args) => [state, args] } });
      const consumer = await node.listen();
      const replies = await python.inspect(namespace, 'add', { arguments: { x: 'ü' }, limit: 1, timeout: 10, type });
      expect(replies).toEqual([{ 'node-1': [5, { x: 'ü' }] }]);
      const named = await python.inspect(namespace, 'add', { destination: ['node-1'], timeout: 10, type });
      expect(named).toEqual([{ 'node-1': [5, {}] }]);
      const [failed] = await python.inspect(namespace, 'missing', { limit: 1, timeout: 10, type });
      expect(failed).toEqual({ 'node-1': { error: expect.stringContaining('missing') } });
      await consumer.close();
    });

    it(`we ask a node of Python (${type})`, async () => {
      const namespace = `py-${uuid()}`;
      const mailbox = new Mailbox(namespace, { type }).bind(current());
      const serving = python.serveMailbox(namespace, { hostname: 'py-1', type, n: 2, timeout: 20 });
      const replies = await until(
        async () => {
          const got = await mailbox.multiCall('echo', { x: [1, 'ü'] }, { limit: 1, timeoutMs: 500 });
          return got.length > 0 ? got : undefined;
        },
        { what: 'a reply of Python', timeoutMs: 15_000 },
      );
      expect(replies).toEqual([{ 'py-1': { ok: ['echo', { x: [1, 'ü'] }] } }]);
      expect(await mailbox.call(['py-1'], 'ping', {}, { timeoutMs: 10_000 })).toEqual([
        { 'py-1': { ok: ['ping', {}] } },
      ]);
      expect(await serving).toBeGreaterThanOrEqual(2);
    });
  }

  it('Python asks our server', async () => {
    const queue = `py-rpc-${uuid()}`;
    const replies = { name: `py-replies-${uuid()}`, durable: false, auto_delete: false };
    await using _server = await current().rpcServer<number[]>(queue, (list) => ({
      sum: list.reduce((a, b) => a + b, 0),
    }));
    await python.declare({ queue: replies });
    await python.publish([1, 2, 3], { routing_key: queue, reply_to: replies.name, correlation_id: 'id-7' });
    const [reply] = await python.consume(replies, { n: 1, timeout: 10 });
    expect(reply?.payload).toEqual({ sum: 6 });
    expect(reply?.properties.correlation_id).toBe('id-7');
    await python.deleteQueue(replies.name);
  });

  it('our client asks a server of Python', async () => {
    const queue = { name: `py-rpc-${uuid()}` };
    await python.declare({ queue });
    await using client = current().rpcClient({ timeoutMs: 20_000 });
    const asked = client.call(queue.name, { n: 20 });
    const [request] = await python.consume(queue, { n: 1, timeout: 10 });
    expect(request?.payload).toEqual({ n: 20 });
    const { reply_to, correlation_id } = (request?.properties ?? {}) as { reply_to: string; correlation_id: string };
    await python.publish({ result: 6765 }, { exchange: '', routing_key: reply_to, correlation_id, serializer: 'json' });
    expect(await asked).toEqual({ result: 6765 });
    await python.deleteQueue(queue.name);
  });
}

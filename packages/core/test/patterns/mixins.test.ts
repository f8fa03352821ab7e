import { describe, expect, it } from '@jest/globals';
import {
  type Channel,
  type Connection,
  Consumer,
  type ConsumerFactory,
  ConsumerMixin,
  ConsumerProducerMixin,
  type KombuError,
  type Message,
  type MixinConsumeOptions,
  Queue,
  TokenBucket,
} from '../../src/index.js';
import { openMemory, until } from '../support/memory.js';

const RETRY = { reconnect: { intervalStartMs: 1, intervalMaxMs: 5 } };
const tasks = new Queue<string>('tasks');

class Worker extends ConsumerMixin {
  readonly connection: Connection;
  readonly seen: string[] = [];
  readonly log: string[] = [];
  used: Connection | undefined;
  handled: (message: Message<string>) => unknown = (message) => message.ack();

  constructor(connection: Connection) {
    super();
    this.connection = connection;
    this.restartLimit = new TokenBucket(1000);
  }

  getConsumers(consumer: ConsumerFactory, channel: Channel): Consumer<string>[] {
    this.log.push('consumers');
    this.used = channel.connection;
    return [
      consumer<string>({
        queues: [tasks],
        onMessage: (message) => {
          this.seen.push(message.payload);
          return this.handled(message);
        },
      }),
    ];
  }

  override onConsumeReady(_c: Connection, _ch: Channel, consumers: readonly Consumer[], o: MixinConsumeOptions): void {
    this.log.push(`ready ${consumers.length} ${o.extra}`);
  }
  override onConsumeEnd(): void {
    this.log.push('end');
  }
  override onConnectionRevived(): void {
    this.log.push('revived');
  }
  override onConnectionError(error: KombuError, intervalMs: number): void {
    this.log.push(`error ${error.code} ${typeof intervalMs}`);
  }
}

async function put(connection: Connection, ...texts: string[]): Promise<void> {
  const producer = connection.producer();
  for (const text of texts) await producer.publish(text, { routingKey: 'tasks', declare: [tasks as Queue] });
}

async function ready(connection: Connection): Promise<number> {
  return (await tasks.bind(connection).queueDeclare({ passive: true })).messageCount;
}

describe('ConsumerMixin', () => {
  it('consumes until it should stop, on a clone of its connection', async () => {
    const { connection } = openMemory();
    const worker = new Worker(connection);
    const running = worker.run({ extra: 'x' });
    await put(connection, 'a', 'b');
    await until(() => worker.seen.length === 2);
    worker.shouldStop = true;
    await running;
    expect(worker.seen).toEqual(['a', 'b']);
    expect(worker.used).not.toBe(connection);
    expect(worker.used?.state).toBe('closed');
    expect(worker.log).toEqual(['revived', 'consumers', 'ready 1 x', 'end']);
    await connection.close();
  });

  it('stops from inside a handler, which finishes', async () => {
    const { connection } = openMemory();
    const worker = new Worker(connection);
    let finished = false;
    worker.handled = async (message) => {
      worker.shouldStop = true;
      await until(() => true);
      await message.ack();
      finished = true;
    };
    await put(connection, 'a');
    await worker.run();
    expect(finished).toBe(true);
    expect(await ready(connection)).toBe(0);
    await connection.close();
  });

  it('hands over no more than the limit', async () => {
    const { connection } = openMemory();
    await put(connection, 'a', 'b', 'c', 'd');
    const worker = new Worker(connection);
    await worker.run({ limit: 3 });
    expect(worker.seen).toEqual(['a', 'b', 'c']);
    expect(await ready(connection)).toBe(1);
    const left = await tasks.bind(connection).get();
    expect([left?.payload, left?.deliveryInfo.redelivered]).toEqual(['d', false]);
    await connection.close();
  });

  it('ends in TimeoutError when nothing comes, and in AbortedError', async () => {
    const { connection } = openMemory();
    const worker = new Worker(connection);
    await expect(worker.run({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
    const abort = new AbortController();
    const running = worker.run({ signal: abort.signal });
    await until(() => worker.log.filter((line) => line.startsWith('ready')).length === 2);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
    expect(worker.log.at(-1)).toBe('end');
    await connection.close();
  });

  it('calls onIteration after each message and while nothing comes', async () => {
    const { connection } = openMemory();
    let iterations = 0;
    class Counting extends Worker {
      override onIteration(): void {
        iterations++;
        if (iterations === 4) this.shouldStop = true;
      }
    }
    await new Counting(connection).run({ safetyIntervalMs: 2 });
    expect(iterations).toBe(4);
    await connection.close();
  });

  it('goes on by itself when the link is lost', async () => {
    const { connection, transport } = openMemory(RETRY);
    const worker = new Worker(connection);
    const running = worker.run();
    await until(() => worker.log.includes('ready 1 undefined'));
    transport.refuseConnections = true;
    transport.failLinks();
    await until(() => worker.log.some((line) => line.startsWith('error ERR_KOMBU_')));
    transport.refuseConnections = false;
    await until(() => worker.log.filter((line) => line === 'revived').length === 2);
    await put(connection, 'after');
    await until(() => worker.seen.includes('after'));
    worker.shouldStop = true;
    await running;
    expect(worker.log.filter((line) => line === 'consumers')).toHaveLength(1);
    await connection.close();
  });

  it('sets everything up anew when a queue is deleted', async () => {
    const { connection } = openMemory(RETRY);
    const worker = new Worker(connection);
    const running = worker.run();
    await until(() => worker.log.includes('ready 1 undefined'));
    await tasks.bind(connection).delete();
    await until(() => worker.log.filter((line) => line.startsWith('ready')).length === 2);
    await put(connection, 'after');
    await until(() => worker.seen.includes('after'));
    worker.shouldStop = true;
    await running;
    await connection.close();
  });

  it('restarts no more often than its limit allows', async () => {
    const { connection } = openMemory(RETRY);
    const worker = new Worker(connection);
    worker.restartLimit = new TokenBucket(20);
    const from = performance.now();
    const running = worker.run();
    for (let n = 1; n <= 3; n++) {
      await until(() => worker.log.filter((line) => line.startsWith('ready')).length === n);
      if (n < 3) await tasks.bind(connection).delete();
    }
    expect(performance.now() - from).toBeGreaterThan(90);
    worker.shouldStop = true;
    await running;
    await connection.close();
  });

  it('gives up after connectMaxRetries', async () => {
    const { connection, transport } = openMemory();
    transport.refuseConnections = true;
    const worker = new Worker(connection);
    worker.connectMaxRetries = 0;
    await expect(worker.run()).rejects.toMatchObject({ name: 'OperationalError' });
    expect(worker.used).toBeUndefined();
    await connection.close();
  });

  it('throws what getConsumers throws', async () => {
    const { connection } = openMemory();
    class Broken extends Worker {
      override getConsumers(): never {
        throw new TypeError('mine');
      }
    }
    await expect(new Broken(connection).run()).rejects.toThrow('mine');
    await connection.close();
  });

  it('takes several consumers on several channels, with a prefetch of their own, and disposes of what is around them', async () => {
    const { connection } = openMemory();
    const log: string[] = [];
    class Two extends Worker {
      override getConsumers(consumer: ConsumerFactory, channel: Channel): Consumer<string>[] {
        const other = channel.connection.channel();
        const onMessage = (message: Message<string>): unknown => {
          log.push(`${message.deliveryInfo.queue} ${message.channel === other}`);
          return message.ack();
        };
        return [
          consumer<string>({ queues: [tasks], onMessage, prefetchCount: 1 }),
          new Consumer<string>(other, { queues: [new Queue<string>('special')], onMessage }),
        ];
      }
      override extraContext(): AsyncDisposable {
        log.push('in');
        return {
          [Symbol.asyncDispose]: async () => {
            log.push('out');
          },
        };
      }
    }
    const special = new Queue('special');
    await put(connection, 'a');
    await connection.producer().publish('b', { routingKey: 'special', declare: [special] });
    await new Two(connection).run({ limit: 2 });
    expect(log.toSorted()).toEqual(['in', 'out', 'special true', 'tasks false']);
    expect(log.at(-1)).toBe('out');
    await connection.close();
  });

  it('rejects what cannot be decoded, by its hook', async () => {
    const { connection } = openMemory();
    const errors: string[] = [];
    class Careful extends Worker {
      override onDecodeError(message: Message, error: KombuError): unknown {
        errors.push(error.code);
        return super.onDecodeError(message, error);
      }
    }
    const worker = new Careful(connection);
    const running = worker.run();
    await connection.producer().publish([1], { routingKey: 'tasks', serializer: 'pickle', declare: [tasks as Queue] });
    await until(() => errors.length === 1);
    worker.shouldStop = true;
    await running;
    expect(errors).toEqual(['ERR_KOMBU_CONTENT_DISALLOWED']);
    expect(await ready(connection)).toBe(0);
    await connection.close();
  });

  it('gives its consumers to code with a loop of its own', async () => {
    const { connection } = openMemory();
    const worker = new Worker(connection);
    {
      await using context = await worker.consumerContext();
      expect(context.consumers).toHaveLength(1);
      await put(connection, 'a');
      await context.connection.drainEvents({ timeoutMs: 1000 });
    }
    expect(worker.log.at(-1)).toBe('end');
    let turns = 0;
    await put(connection, 'b', 'c');
    for await (const _ of worker.consume({ limit: 2 })) turns++;
    expect(turns).toBe(2);
    await connection.close();
  });
});

describe('ConsumerProducerMixin', () => {
  it('publishes over a connection of its own', async () => {
    const { connection } = openMemory();
    let used: Connection | undefined;
    class Rpc extends ConsumerProducerMixin {
      readonly connection = connection;
      getConsumers(consumer: ConsumerFactory): Consumer<string>[] {
        return [consumer<string>({ queues: [tasks], onMessage: (message) => this.answer(message) })];
      }
      async answer(message: Message<string>): Promise<void> {
        used = this.producerConnection;
        const { replyTo, correlationId } = message.properties;
        const options = { routingKey: replyTo as string, correlationId: correlationId as string, retry: true };
        await this.producer.publish(`${message.payload}!`, options);
        await message.ack();
      }
    }
    const running = new Rpc().run({ limit: 1 });
    await using client = connection.rpcClient();
    expect(await client.call(tasks as Queue, 'hello')).toBe('hello!');
    await running;
    expect(used).not.toBe(connection);
    expect(used?.state).toBe('closed');
    await connection.close();
  });
});

import { describe, expect, it } from '@jest/globals';
import {
  type Connection,
  KombuError,
  OperationalError,
  PublishManyError,
  Queue,
  type TimeoutError,
} from '../../src/index.js';
import { settle, until } from '../support/memory.js';
import { failure, memoryTest } from '../support/with-memory.js';

const queue = new Queue('q');

const with_ = memoryTest();

async function drain(connection: Connection): Promise<unknown[]> {
  const bound = queue.bind(connection);
  await bound.declare();
  const payloads: unknown[] = [];
  for (let message = await bound.get(); message !== undefined; message = await bound.get()) {
    await message.ack();
    payloads.push(typeof message.payload === 'string' ? message.payload.slice(0, 4) : message.payload);
  }
  return payloads;
}

describe('the order of publishes', () => {
  it('is that of the calls, also when nobody awaits them', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const publishing = Array.from({ length: 1000 }, (_, i) => producer.publish(i));
      await Promise.all(publishing);
      expect(await drain(connection)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    }));

  it('is that of the calls, also when one of them is compressed in the thread pool', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      await producer.publish('0000');
      const ended: string[] = [];
      const publish = (text: string, compression?: string) =>
        producer.publish(text, { compression }).then(() => ended.push(text.slice(0, 4)));
      const publishing = [
        publish('1111'),
        publish('2222'.repeat(100_000), 'brotli'),
        publish('3333'),
        publish('4444'.repeat(10_000), 'zlib'),
        publish('5555'),
      ];
      await publishing[3];
      publishing.push(publish('6666'));
      await Promise.all(publishing);
      expect(await drain(connection)).toEqual(['0000', '1111', '2222', '3333', '4444', '5555', '6666']);
      expect(ended).toEqual(['1111', '2222', '3333', '4444', '5555', '6666']);
    }));

  it('is that of the calls, also when one of them has something to declare', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const publishing = [producer.publish(1, { declare: [new Queue('other')] }), producer.publish(2)];
      publishing.push(producer.publish(3, { declare: [queue, new Queue('fleeting', { autoDelete: true })] }));
      publishing.push(producer.publish(4));
      await Promise.all(publishing);
      expect(await drain(connection)).toEqual([1, 2, 3, 4]);
    }));

  it('goes on behind one that fails', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const passive = new Queue('missing', { exchange: 'x' });
      await new Queue('missing', { maxLength: 1 }).bind(connection).declare();
      const results = await Promise.allSettled([
        producer.publish('1', { declare: [passive] }),
        producer.publish('2'),
        producer.publish('3'.repeat(50_000), { compression: 'nothing' }),
        producer.publish('4'),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
      expect(await drain(connection)).toEqual(['2', '4']);
    }));

  it('is bounded: with too many in line a publish is refused', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const first = producer.publish('x'.repeat(100_000), { compression: 'brotli' });
      const results = Promise.allSettled(Array.from({ length: 10_000 }, (_, i) => producer.publish(i)));
      await first;
      const failed = (await results).filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
      expect(failed).toHaveLength(1);
      expect(failed[0]?.reason).toMatchObject({ code: 'ERR_KOMBU_BUFFER_FULL', retryable: true });
      expect(await drain(connection)).toHaveLength(10_000);
    }));
});

describe('the end of a wait', () => {
  it('comes with timeoutMs over connecting, declaring and publishing together; nothing was sent', () =>
    with_(async (connection, transport) => {
      transport.refuseConnections = true;
      const producer = connection.producer({ exchange: 'x' });
      const start = performance.now();
      const errors = await Promise.all([
        failure(producer.publish('1', { routingKey: 'q', declare: [queue], timeoutMs: 60 })),
        failure(producer.publish('2', { routingKey: 'q', timeoutMs: 50 })),
        failure(connection.producer().publish('3', { routingKey: 'q', timeoutMs: 40, retry: true })),
      ]);
      expect(performance.now() - start).toBeLessThan(15_000);
      for (const error of errors) {
        expect(['ERR_KOMBU_TIMEOUT', 'ERR_KOMBU_CONNECT_REFUSED']).toContain(error.code);
        if (error.code === 'ERR_KOMBU_TIMEOUT') expect((error as TimeoutError).sent).toBe('no');
      }
    }));

  it('comes with the signal', () =>
    with_(async (connection, transport) => {
      transport.refuseConnections = true;
      const stop = new AbortController();
      const producer = connection.producer();
      const publishing = [
        failure(producer.publish('1', { routingKey: 'q', retry: true, signal: stop.signal })),
        failure(producer.publish('2', { routingKey: 'q', retry: true, declare: [queue], signal: stop.signal })),
      ];
      setTimeout(() => stop.abort(new Error('enough')), 20);
      for (const error of await Promise.all(publishing)) {
        expect(error.code).toBe('ERR_KOMBU_ABORTED');
      }
      const before = await failure(producer.publish('3', { routingKey: 'q', signal: AbortSignal.abort() }));
      expect(before.code).toBe('ERR_KOMBU_ABORTED');
    }));

  it('does not wait for one that stands before it longer than its own time', () =>
    with_(async (connection, transport) => {
      transport.refuseConnections = true;
      const producer = connection.producer();
      const stop = new AbortController();
      const first = failure(
        producer.publish(1, { declare: [queue], routingKey: 'q', retry: true, signal: stop.signal }),
      );
      const second = await failure(producer.publish(2, { routingKey: 'q', retry: true, timeoutMs: 30 }));
      expect(second).toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'no' });
      stop.abort();
      await first;
    }));
});

describe('a lost link', () => {
  it('is waited for: a publish that finds none is sent on the next', () =>
    with_(
      async (connection, transport) => {
        const producer = connection.producer({ routingKey: 'q' });
        await producer.publish(1, { declare: [queue] });
        transport.refuseConnections = true;
        transport.failLinks();
        await until(() => connection.state === 'reconnecting');
        const publishing = [
          producer.publish(2, { retry: true }),
          producer.publish(3, { retry: true, declare: [queue] }),
        ];
        transport.refuseConnections = false;
        await Promise.all(publishing);
        expect(await drain(connection)).toEqual([1, 2, 3]);
      },
      { reconnect: { intervalStartMs: 1, intervalMaxMs: 5 } },
    ));

  it('rejects a publish with OperationalError when it cannot be replaced', () =>
    with_(
      async (connection, transport) => {
        const producer = connection.producer({ routingKey: 'q' });
        await producer.publish(1);
        transport.refuseConnections = true;
        transport.failLinks();
        const error = await failure(producer.publish(2, { timeoutMs: 1000 }));
        expect(error).toBeInstanceOf(OperationalError);
      },
      { reconnect: false },
    ));

  it('does not hide a bad retry policy', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const error = await failure(producer.publish(1, { retry: { maxRetry: 3 } as never, declare: [queue] }));
      expect(error.code).toBe('ERR_KOMBU_INVALID_OPTION');
      expect(error.message).toContain("did you mean 'maxRetries'?");
    }));
});

describe('publishMany', () => {
  it('publishes everything, in order, from lists and from async sources', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      await producer.publishMany([], { declare: [queue] });
      await producer.publishMany(new Set([1, 2, 3]), { declare: [queue] });
      async function* source() {
        for (const n of [4, 5, 6]) {
          await settle(1);
          yield n;
        }
      }
      await producer.publishMany(source());
      expect(await drain(connection)).toEqual([1, 2, 3, 4, 5, 6]);
    }));

  it('publishes more than the window at once, and lets others have a turn', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q', compression: 'zlib' });
      let turns = 0;
      const counting = setInterval(() => {
        turns++;
      }, 0);
      await producer.publishMany(
        Array.from({ length: 5000 }, (_, i) => i),
        { declare: [queue] },
      );
      clearInterval(counting);
      expect(turns).toBeGreaterThan(0);
      expect(await drain(connection)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
    }));

  it('publishes the good ones and says which were not, and why', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const circular: unknown[] = [];
      circular.push(circular);
      const error = await producer.publishMany([1, circular, 3, () => {}, 5]).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(AggregateError);
      expect(error).toBeInstanceOf(PublishManyError);
      const failed = error as PublishManyError;
      expect(failed.indexes).toEqual([1, 3]);
      expect(failed.errors.map((one: KombuError) => one.code)).toEqual(['ERR_KOMBU_ENCODE', 'ERR_KOMBU_ENCODE']);
      expect(failed.message).toBe(`2 of 5 messages were not published; the first reason: ${failed.errors[0].message}`);
      expect([KombuError.is(failed), KombuError.is(failed, 'ERR_KOMBU_NOT_PUBLISHED')]).toEqual([true, true]);
      expect([failed.code, failed.retryable]).toEqual(['ERR_KOMBU_NOT_PUBLISHED', false]);
      expect(await drain(connection)).toEqual([1, 3, 5]);
    }));

  it('is retryable when every reason is', () => {
    const busy = { index: 1, error: new OperationalError('BROKER_BUSY', 'the broker is busy') };
    const lasting = { index: 0, error: new TypeError('no') };
    expect(new PublishManyError([busy, { ...busy, index: 2 }], 3).retryable).toBe(true);
    expect(new PublishManyError([busy], 2).message).toBe(
      '1 of 2 messages were not published; the reason: the broker is busy',
    );
    expect(new PublishManyError([busy, lasting], 2).retryable).toBe(false);
  });

  it('waits where publish would be refused because of too many', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const slow = producer.publish('x'.repeat(300_000), { compression: 'brotli' });
      const others = Promise.all(Array.from({ length: 9_990 }, (_, i) => producer.publish(i)));
      const many = producer.publishMany(Array.from({ length: 500 }, (_, i) => `m${i}`));
      await Promise.all([slow, others, many]);
      expect(await queue.bind(connection).purge()).toBe(9_990 + 500 + 1);
    }));

  it('stops when it is aborted, and passes on what its source throws', () =>
    with_(async (connection) => {
      await connection.connect();
      const producer = connection.producer({ routingKey: 'q' });
      await producer.channel.open();
      const stop = new AbortController();
      function* endless() {
        for (let i = 0; ; i++) {
          if (i === 10) stop.abort();
          yield i;
        }
      }
      expect((await failure(producer.publishMany(endless(), { signal: stop.signal }))).code).toBe('ERR_KOMBU_ABORTED');
      expect((await drain(connection)).slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      async function* broken() {
        yield 1;
        throw new Error('the source broke');
      }
      expect((await failure(producer.publishMany(broken()))).message).toBe('the source broke');
    }));
});

describe('closing a producer', () => {
  it('hands over what stands in line first', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const publishing = [producer.publish('x'.repeat(100_000), { compression: 'zlib' }), producer.publish('yyyy')];
      await producer.release();
      await Promise.all(publishing);
      expect(await drain(connection)).toEqual(['xxxx', 'yyyy']);
    }));
});

describe('a publish that fails', () => {
  // The runner fails a test that leaves an unhandled rejection behind.
  it('rejects its own promise and no other', () =>
    with_(async (connection) => {
      const producer = connection.producer({ exchange: 'x' });
      const attempts = [
        producer.publish('1', { exchange: 'nowhere' }),
        producer.publish('2', { routingKey: 'nobody', mandatory: true }),
        producer.publish('3', {
          routingKey: 'nobody',
          mandatory: true,
          declare: [new Queue('f', { autoDelete: true })],
        }),
        producer.publish('4', { compression: 'nothing' }),
        producer.publish('5', { unknown: 1 } as never),
        producer.publish('6', { declare: [queue], signal: AbortSignal.abort() }),
        producer.publish('7'.repeat(100_000), { compression: 'zlib', exchange: 'nowhere' }),
      ].map(failure);
      const codes = (await Promise.all(attempts)).map(({ code }) => code.replace('ERR_KOMBU_', ''));
      expect(codes).toEqual([
        'NOT_FOUND',
        'NO_ROUTE',
        'NO_ROUTE',
        'NO_SERIALIZER',
        'INVALID_OPTION',
        'ABORTED',
        'NOT_FOUND',
      ]);
      await settle(10);
    }));
});

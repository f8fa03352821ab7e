import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Queue } from '@kombu/core';
import type { SqsLink } from '../src/link.js';
import type { Queues } from '../src/queues.js';
import { createExtend, createSettle } from '../src/settle.js';
import { startService } from './support/sqs.js';

jest.setTimeout(60_000);

const service = await startService();

afterAll(() => service.close());

describe('a queue that was made a moment ago', () => {
  it('may be said to be missing: nobody gives it up for that', async () => {
    const connection = service.connect();
    const queue = new Queue('new');
    await queue.bind(connection).declare();
    const missing = { code: 'AWS.SimpleQueueService.NonExistentQueue', message: 'says the test', times: 2 };
    await service.server.faults([
      { action: 'SendMessageBatch', ...missing },
      { action: 'ReceiveMessage', ...missing },
    ]);
    const got: unknown[] = [];
    const errors: unknown[] = [];
    const consumer = connection.consumer({
      queues: [queue],
      autoDeclare: false,
      onMessage: async (message) => {
        got.push(message.payload);
        await message.ack();
      },
      onError: (error) => void errors.push(error),
    });
    await consumer.consume();
    await connection.producer().publish({ n: 1 }, { routingKey: queue.name });
    await until(() => got.length === 1, { what: 'it came', timeoutMs: 20_000 });
    expect(errors).toEqual([]);
    await consumer.close();
  });
});

describe('a purge', () => {
  it('ends although somebody goes on publishing', async () => {
    const connection = service.connect();
    const queue = new Queue('purged');
    await queue.bind(connection).declare();
    const producer = connection.producer();
    let state: 'on' | 'off' = 'on';
    const publishing = (async () => {
      while (state === 'on') await producer.publish({}, { routingKey: queue.name });
    })();
    await until(async () => (await queue.bind(connection).queueDeclare()).messageCount > 0, { what: 'some are there' });
    expect(await queue.bind(connection).purge()).toBeGreaterThan(0);
    state = 'off';
    await publishing;
  });
});

describe('a lease that is being extended', () => {
  it('ends after that when its message is released', async () => {
    const done: (() => void)[] = [];
    const asked: number[] = [];
    const visibilities = {
      add: ({ seconds }: { seconds: number }, answered: () => void) => {
        asked.push(seconds);
        done.push(answered);
      },
      flush: () => {},
    };
    const extending = new Map();
    const queues = { get: () => ({ visibilities, extending }) } as unknown as Queues;
    const link = { check: () => {} } as unknown as SqsLink;
    const item = { queue: 'q', token: { handle: 'h', count: 1 } };
    const extended = createExtend(link, queues)([item], 60_000);
    const settled = createSettle(link, queues)([{ ...item, outcome: 'release' }]);
    await sleep(1);
    expect(asked).toEqual([60]);
    done[0]?.();
    await extended;
    await until(() => asked.length === 2, { what: 'it is released' });
    done[1]?.();
    expect([asked, await settled, extending.size]).toEqual([[60, 0], [], 0]);
  });
});

import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, createMemoryTransport, resetPools } from '@kombu/core';
import { receiveHello, sendHello } from '../src/manual/hello-world.js';
import { type LogEntry, LogQueue } from '../src/manual/log-queue.js';
import { quickOverview } from '../src/manual/quick-overview.js';
import { askFibonacci, FibonacciWorker } from '../src/manual/rpc.js';
import { sendTask, Worker } from '../src/manual/task-queue.js';

let connection: Connection;
const opened: Connection[] = [];

beforeEach(() => {
  connection = new Connection('memory://', { transport: createMemoryTransport() });
  opened.push(connection);
});
afterAll(async () => {
  await resetPools();
  for (const one of opened) await one.close();
});

describe('the examples of the manual', () => {
  it('quick overview', async () => {
    expect(await quickOverview(connection)).toEqual({ name: '/tmp/lolcat1.avi', size: 1301013 });
  });

  it('hello world', async () => {
    const sent = await sendHello(connection, new Date('2016-01-01T00:00:00Z'));
    expect(sent).toBe('hello world, sent at 2016-01-01T00:00:00.000Z');
    expect(await receiveHello(connection)).toBe(sent);
  });

  it('a log that is a queue', async () => {
    await using log = new LogQueue(connection, 'log_queue', 'zlib');
    await log.log('Error happened while encoding video', 'ERROR', { filename: 'cutekitten.mpg' });
    const entries: LogEntry[] = [];
    await log.process((entry) => entries.push(entry));
    expect(entries).toMatchObject([
      { message: 'Error happened while encoding video', level: 'ERROR', context: { filename: 'cutekitten.mpg' } },
    ]);
    await expect(log.process(() => {}, 1, 5)).rejects.toMatchObject({ code: 'ERR_KOMBU_EMPTY' });
  });

  it('a queue of tasks with priorities', async () => {
    const greeted: string[] = [];
    const worker = new Worker(connection, {
      hello: (who: string) => greeted.push(`Hello ${who}`),
      fail: () => {
        throw new Error('on purpose');
      },
    });
    await sendTask(connection, 'hello', ['Kombu'], 'high');
    await sendTask(connection, 'fail', [], 'low');
    await sendTask(connection, 'constructor');
    await sendTask(connection, 'hello', ['world']);
    await worker.run({ limit: 4 });
    expect(greeted.toSorted()).toEqual(['Hello Kombu', 'Hello world']);
  });

  it('a worker that answers', async () => {
    const worker = new FibonacciWorker(connection);
    const running = worker.run();
    expect(await askFibonacci(connection, 30)).toBe(832040);
    worker.shouldStop = true;
    await running;
  });
});

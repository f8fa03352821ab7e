import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startConsumers } from '@kombu/brokers';
import { type Connection, Queue } from '@kombu/core';
import { makeFolder } from './support/folder.js';

const folder = await makeFolder();
const queue = new Queue('shared');
let connection: Connection;

beforeAll(async () => {
  connection = folder.connect();
  await queue.bind(connection).queueDeclare();
});
afterAll(async () => {
  await connection.close();
  await folder.remove();
});

describe('a folder that many share', () => {
  it('gives each of 5,000 messages to one of four processes', async () => {
    await using consumers = startConsumers({
      module: new URL('../dist/index.js', import.meta.url),
      transport: 'filesystem',
      url: folder.url,
      queue: 'shared',
      prefetchCount: 20,
    });
    await connection.producer().publishMany(
      Array.from({ length: 5000 }, (_, n) => ({ n })),
      { routingKey: 'shared' },
    );
    await consumers.received(5000, { timeoutMs: 60_000 });
    expect(await consumers.end()).toEqual([0, 0, 0, 0]);
    expect(consumers.seen.flat().sort((a, b) => a - b)).toEqual([...Array(5000).keys()]);
    for (const seen of consumers.seen) expect(seen.length).toBeGreaterThan(0);
    expect(await readdir(path.join(folder.path, '.kombu', 'in-flight'))).toEqual([]);
  }, 90_000);
});

import assert from 'node:assert/strict';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliCompress, deflateRawSync } from 'node:zlib';
import { compress } from '@kombu/core';
import { declare, fetchOne } from '../actions.js';
import { group, testCase } from '../case.js';
import { refuses } from '../expect.js';

/** The kinds of resources that a connection may hold, as Node names them. */
const HELD = ['TCPSocketWrap', 'PipeWrap', 'TLSWrap', 'FSEventWrap', 'StatWatcher', 'ProcessWrap'];

function heldResources(): number {
  return process.getActiveResourcesInfo().filter((name) => HELD.includes(name)).length;
}

/** Bodies that decompress to a GiB of zeros, or to as much as fits into `maxBytes`. By the content type of the compression. */
async function bombs(maxBytes = Number.POSITIVE_INFINITY): Promise<Record<string, Buffer>> {
  const zeros = Buffer.alloc(1024 * 1024);
  const often = (part: Uint8Array, head: readonly number[] = []): Buffer => {
    const times = Math.min(1024, Math.floor((maxBytes - head.length) / part.length));
    return Buffer.concat([Buffer.from(head), ...Array.from({ length: times }, () => part)]);
  };
  const made: Record<string, Buffer> = {
    // Blocks that end on a byte and refer to nothing before them can be repeated.
    'application/x-gzip': often(deflateRawSync(zeros, { finishFlush: constants.Z_FULL_FLUSH }), [0x78, 0x9c]),
    'application/x-brotli': await brotli(zeros, 1024),
  };
  // Of these a body may be several streams, one after the other.
  for (const name of ['bzip2', 'lzma', 'zstd']) {
    const { body, contentType } = await compress(zeros, name);
    made[contentType] = often(body);
  }
  return made;
}

async function brotli(part: Buffer, times: number): Promise<Buffer> {
  const stream = createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  const parts: Buffer[] = [];
  const parted = Array.from({ length: times }, () => part);
  await pipeline(parted, stream, async (out: AsyncIterable<Buffer>) => {
    for await (const some of out) parts.push(some);
  });
  return Buffer.concat(parts);
}

/** What is left behind, or taken up on the way: sockets, watchers, processes, memory. */
export const leaks = group(
  'leaks',
  [
    testCase(
      'connect, publish, consume and close, many times, leave no socket, watcher or process behind',
      async (t) => {
        const { cycles } = t.environment.scale;
        const queue = t.queue();
        const watching = await t.connection();
        await declare(watching, queue);
        const cycle = async (): Promise<void> => {
          const connection = await t.environment.open(t.broker, {});
          const got = await t.collector();
          const consumer = connection.consumer({ queues: [queue], onMessage: got.ack });
          await consumer.consume();
          await t.producer(connection).publish({ id: 'it' }, { routingKey: queue.name });
          await got.waitFor(1);
          await connection.close();
        };
        await cycle();
        const before = heldResources();
        const clients = await t.hooks.connectionCount?.(t.broker);
        for (let i = 0; i < cycles; i++) await cycle();
        await t.until('resources are given back', () => heldResources() <= before);
        if (clients === undefined) return;
        await t.until('the broker has no more clients', async () => {
          const now = (await t.hooks.connectionCount?.(t.broker)) ?? 0;
          return now <= clients;
        });
      },
      { extraMs: 120_000 },
    ),

    testCase('a small body that would grow to a GiB is a DecodeError, in little memory', async (t) => {
      const connection = await t.connection();
      const queue = t.queue();
      await declare(connection, queue);
      const producer = t.producer(connection, { compression: undefined });
      for (const [compression, bomb] of Object.entries(await bombs(connection.capabilities.maxBodyBytes))) {
        const headers = { compression };
        const options = { routingKey: queue.name, contentType: 'application/data', contentEncoding: 'binary', headers };
        await producer.publish(bomb, options);
        const before = process.memoryUsage.rss();
        await refuses(compression, async () => (await fetchOne(t, connection, queue)).payload, 'DECODE');
        const grown = (process.memoryUsage.rss() - before) / 1024 / 1024;
        assert.ok(grown < 150, `${compression}: memory grew by ${Math.round(grown)} MiB`);
      }
    }),
  ],
  { alone: true },
);

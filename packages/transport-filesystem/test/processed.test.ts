import { mkdir, readdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { Queue } from '@kombu/core';
import { makeFolder } from './support/folder.js';

const queue = new Queue('q');

it('a folder of processed files that is gone is an error that names it, and the message comes back', async () => {
  const folder = await makeFolder();
  const connection = folder.connect({ transportOptions: { storeProcessed: true, leaseMs: 400 } });
  const processed = path.join(folder.path, 'processed');
  await queue.bind(connection).queueDeclare();
  await connection.producer().publish('kept', { routingKey: 'q' });
  const message = await queue.bind(connection).get();
  await rmdir(processed);
  const error = await message?.ack({ confirm: true }).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', message: expect.stringContaining(processed) });
  await mkdir(processed);
  for await (const again of connection.consumer({ queues: [queue] })) {
    expect([again.payload, again.deliveryInfo.redelivered]).toEqual(['kept', true]);
    await again.ack({ confirm: true });
    break;
  }
  expect((await readdir(processed)).length).toBe(1);
  await connection.close();
  await folder.remove();
}, 20_000);

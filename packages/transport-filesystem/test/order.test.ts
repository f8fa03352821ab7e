import { spawnSync } from 'node:child_process';
import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Connection, Queue } from '@kombu/core';
import { makeFolder, type TestFolder } from './support/folder.js';

const queue = new Queue('q');
const to = { routingKey: 'q' };

describe('the order of a queue', () => {
  let folder: TestFolder;
  let connection: Connection;

  beforeEach(async () => {
    folder = await makeFolder();
    connection = folder.connect();
    await queue.bind(connection).queueDeclare();
  });
  afterEach(async () => {
    await connection.close();
    await folder.remove();
  });

  const drain = async (by: Connection): Promise<readonly unknown[]> => {
    const got: unknown[] = [];
    for (;;) {
      const message = await queue.bind(by).get({ noAck: true });
      if (message === undefined) return got;
      got.push(message.payload);
    }
  };

  it('survives a reboot, after which the times that Python sorts by start again', async () => {
    const producer = connection.producer();
    for (let n = 0; n < 5; n++) await producer.publish(n, to);
    // What was published by a machine that had been up for a year.
    for (const name of await readdir(folder.path)) {
      if (name.endsWith('.msg')) await rename(path.join(folder.path, name), path.join(folder.path, `3153600${name}`));
    }
    for (let n = 5; n < 10; n++) await producer.publish(n, to);
    expect(await drain(connection)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('is that of publishing, whichever process has published, and for whichever process consumes', async () => {
    const script = `
      import { Connection } from '@kombu/core';
      import { filesystem } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
      const connection = new Connection(${JSON.stringify(folder.url)}, { transport: filesystem });
      await connection.producer().publish(Number(process.argv[1]), { routingKey: 'q' });
      await connection.close();`;
    for (let n = 0; n < 6; n += 2) {
      await connection.producer().publish(n, to);
      const args = ['--input-type=module', '-e', script, String(n + 1)];
      const child = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' });
      expect(child.stderr).toBe('');
    }
    const other = folder.connect();
    expect(await drain(other)).toEqual([0, 1, 2, 3, 4, 5]);
    await other.close();
  }, 30_000);

  it('is that of the calls while many commits are on their way to the disk', async () => {
    const producer = connection.producer();
    const published: Promise<unknown>[] = [];
    for (let n = 0; n < 600; n++) {
      published.push(producer.publish(n, to));
      // Puts of many sizes.
      if (n % 37 === 0) await new Promise(setImmediate);
    }
    await Promise.all(published);
    expect(await drain(connection)).toEqual([...Array(600).keys()]);
  });
});

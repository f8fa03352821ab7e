import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Connection, Exchange, Queue } from '@kombu/core';
import { filesystem } from '../src/index.js';
import { makeDisk, type TestDisk } from './support/disk.js';

const MESSAGES = 300;
const disk = await makeDisk();

describe('a power cut', () => {
  if (typeof disk === 'string') {
    it.skip(`skipped: ${disk}`, () => {});
    return;
  }
  afterAll(() => disk.remove());

  const queue = new Queue('q', { exchange: new Exchange('x', { type: 'direct' }), routingKey: 'k' });
  const connect = (folder: string, fsync: boolean): Connection =>
    new Connection(`filesystem://${folder}`, { transport: filesystem, transportOptions: { fsync } });

  /** Takes all that is in the queue. */
  async function drain(folder: string): Promise<readonly unknown[]> {
    const connection = connect(folder, false);
    const got: unknown[] = [];
    for (;;) {
      const message = await queue.bind(connection).get({ noAck: true });
      if (message === undefined) break;
      got.push((message.payload as { n: number }).n);
    }
    await connection.close();
    return got;
  }

  /** Publishes, cuts the power as soon as all is confirmed, and reads what is there then. */
  async function survivors(name: string, fsync: boolean): Promise<readonly unknown[]> {
    const before = connect(path.join((disk as TestDisk).path, name), fsync);
    try {
      await queue.bind(before).declare();
      const bodies = Array.from({ length: MESSAGES }, (_, n) => ({ n }));
      await before.producer().publishMany(bodies, { exchange: 'x', routingKey: 'k' });
      const copy = await (disk as TestDisk).powerCut();
      return await drain(path.join(copy.path, name));
    } finally {
      await before.close();
    }
  }

  it('loses nothing that a publish has confirmed, and keeps its order', async () => {
    expect(await survivors('flushed', true)).toEqual([...Array(MESSAGES).keys()]);
  }, 60_000);

  it('may lose what was published with fsync: false', async () => {
    expect((await survivors('unflushed', false)).length).toBeLessThan(MESSAGES);
  }, 60_000);

  it('after the disk was full for many publishes at once leaves what was confirmed, and nothing that was refused', async () => {
    const { path: at, powerCut } = disk as TestDisk;
    const before = connect(path.join(at, 'full'), true);
    await queue.bind(before).declare();
    const pad = 'x'.repeat(20_000);
    const confirmed: number[] = [];
    const refused = new Set<unknown>();
    const publish = (n: number): Promise<void> =>
      before
        .producer()
        .publish({ n, pad }, { exchange: 'x', routingKey: 'k' })
        .then(
          () => void confirmed.push(n),
          (error: { code: string }) => void refused.add(error.code),
        );
    for (let n = 0; refused.size === 0 && n < 4000; n += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => publish(n + i)));
    }
    expect([...refused]).toEqual(['ERR_KOMBU_BROKER_BUSY']);
    expect(await drain(path.join((await powerCut()).path, 'full'))).toEqual(confirmed.sort((a, b) => a - b));
    expect(await drain(path.join(at, 'full'))).toEqual(confirmed);
    await before.close();
  }, 60_000);
});

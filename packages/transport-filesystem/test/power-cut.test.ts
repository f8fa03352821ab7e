import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Connection, Exchange, Queue } from '@kombu/core';
import { filesystem } from '../src/index.js';
import { makeDisk } from './support/disk.js';

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

  /** Publishes, cuts the power as soon as all is confirmed, and reads what is there then. */
  async function survivors(name: string, fsync: boolean): Promise<readonly unknown[]> {
    const before = connect(path.join((disk as { path: string }).path, name), fsync);
    const later: unknown[] = [];
    try {
      await queue.bind(before).declare();
      const bodies = Array.from({ length: MESSAGES }, (_, n) => ({ n }));
      await before.producer().publishMany(bodies, { exchange: 'x', routingKey: 'k' });
      const copy = await (disk as { powerCut(): Promise<{ path: string }> }).powerCut();
      const after = connect(path.join(copy.path, name), fsync);
      for (;;) {
        const message = await queue.bind(after).get({ noAck: true });
        if (message === undefined) break;
        later.push((message.payload as { n: number }).n);
      }
      await after.close();
    } finally {
      await before.close();
    }
    return later;
  }

  it('loses nothing that a publish has confirmed, and keeps its order', async () => {
    expect(await survivors('flushed', true)).toEqual([...Array(MESSAGES).keys()]);
  }, 60_000);

  it('may lose what was published with fsync: false', async () => {
    expect((await survivors('unflushed', false)).length).toBeLessThan(MESSAGES);
  }, 60_000);
});

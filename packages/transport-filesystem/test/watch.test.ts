import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { createSettle } from '../src/settle.js';
import { startWatching, type Watching } from './support/watching.js';

const TEN_THOUSAND = 10_000;
/** Linux keeps 16,384 events for who does not listen, and drops the rest; each file makes two or more. */
const MORE_THAN_QUEUED = 10_000;

describe('a watch over a folder', () => {
  let watching: Watching;
  const woken = (queue: string): number => watching.wakes.get(queue) ?? 0;

  afterEach(() => watching.stop());

  it('wakes for the queues that are watched, and for those alone, once for many files', async () => {
    watching = await startWatching();
    const { index } = watching.context;
    watching.watch.add('mine');
    expect(woken('mine')).toBe(1);
    for (let i = 0; i < TEN_THOUSAND; i++) watching.put('others');
    await until(async () => (await index.current('others')).length === TEN_THOUSAND, {
      what: 'the files are seen',
      timeoutMs: 20_000,
    });
    expect(woken('others')).toBe(0);
    const before = woken('mine');
    for (let i = 0; i < 100; i++) watching.put('mine');
    await until(async () => (await index.line('mine')).length === 100, { what: 'all are seen', timeoutMs: 5000 });
    await turn();
    expect(woken('mine') - before).toBeLessThan(10);
    watching.watch.remove('mine');
  }, 40_000);

  it('reserves one message after the other beside 10,000 files without listing them each time', async () => {
    watching = await startWatching();
    const { context, put, reserve } = watching;
    for (let i = 0; i < TEN_THOUSAND; i++) put('others');
    watching.watch.add('mine');
    const settle = createSettle(context);
    await reserve('mine', 1);
    await until(async () => (await reserve('mine', 1)).length === 0, {
      what: 'what was told of is seen',
      timeoutMs: 5000,
    });
    const before = context.index.listings;
    const started = performance.now();
    for (let i = 0; i < 300; i++) {
      put('mine');
      let got = await reserve('mine', 1);
      for (; got.length === 0; got = await reserve('mine', 1)) await turn();
      await settle(got.map(({ queue, token }) => ({ queue, token, outcome: 'ack' as const })));
    }
    // One listing in five seconds, for what nobody may have told of.
    expect(context.index.listings - before).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - started) / 5000));
  }, 40_000);

  it('finds what comes while more is told than the system keeps for who does not listen', async () => {
    watching = await startWatching();
    const { path, name } = watching;
    watching.watch.add('mine');
    const names = Array.from({ length: MORE_THAN_QUEUED }, () => name('others'));
    writeFileSync(`${path}/names`, [...names, name('mine')].join(' '));
    const script = `
      const fs = require('node:fs');
      const text = '{"body":"","properties":{"delivery_tag":"t"}}';
      for (const name of fs.readFileSync('names', 'utf8').split(' ')) fs.writeFileSync(name, text);`;
    // Nothing is heard until it has ended.
    execFileSync(process.execPath, ['-e', script], { cwd: path });
    const before = woken('mine');
    await until(async () => woken('mine') > before, { what: 'the queue is woken', timeoutMs: 2000 });
    expect((await watching.reserve('mine', 5)).length).toBe(1);
    expect(woken('mine') - before).toBeLessThan(10);
  }, 40_000);

  it('is told nothing while nobody consumes, and misses nothing of that time', async () => {
    watching = await startWatching();
    const { context, watch, put } = watching;
    watch.add('mine');
    watch.remove('mine');
    expect(context.index.told).toBeUndefined();
    for (let i = 0; i < 10; i++) put('mine');
    watch.add('mine');
    expect((await watching.reserve('mine', 20)).length).toBe(10);
  });
});

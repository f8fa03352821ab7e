import { writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { type KombuError, silentLogger, systemClock, type TransportContext } from '@kombu/core';
import type { Watch } from '@kombu/core/virtual';
import type { DriverContext } from '../src/driver-context.js';
import { NameGiver } from '../src/file-name.js';
import { FolderIndex } from '../src/folder-index.js';
import { FolderLink } from '../src/folder-link.js';
import { prepareFolders, resolveFolders } from '../src/folders.js';
import { createReserve } from '../src/reserve.js';
import { createSettle } from '../src/settle.js';
import { createWatch } from '../src/watch.js';
import { makeFolder, type TestFolder } from './support/folder.js';

const TEN_THOUSAND = 10_000;
const ENVELOPE = '{"body":"","properties":{"delivery_tag":"t"}}';

describe('a watch over a folder', () => {
  let folder: TestFolder;
  let context: DriverContext;
  let watch: Watch;
  const warnings: KombuError[] = [];
  const wakes = new Map<string, number>();
  const names = new NameGiver(() => Date.now());
  const put = (queue: string): void => writeFileSync(`${folder.path}/${names.give(queue, 0, false)}`, ENVELOPE);

  const start = async (fsWatch: boolean): Promise<void> => {
    const link = new FolderLink(resolveFolders(folder.path, {}));
    await prepareFolders(link.folders);
    const transport: TransportContext = {
      signal: new AbortController().signal,
      logger: silentLogger,
      clock: systemClock,
      connectionId: 'test',
      warn: (error) => warnings.push(error),
      blocked() {},
      unblocked() {},
    };
    const index = new FolderIndex(link);
    const shared = { fsync: false, shareWithPython: false, pollingIntervalMs: 50, fsWatch, leaseMs: 60_000 };
    const parts = { link, folders: link.folders, names, index, transport, ...shared };
    const news = createWatch(parts);
    context = { ...parts, wake: (queue) => news.wake(queue) };
    watch = news.watch((queue) => wakes.set(queue, (wakes.get(queue) ?? 0) + 1));
  };

  beforeEach(async () => {
    folder = await makeFolder();
    wakes.clear();
    warnings.length = 0;
  });
  afterEach(async () => {
    await watch.close();
    context.link.end();
    await folder.remove();
  });

  it('wakes for the queues that are watched, and for those alone, once for many files', async () => {
    await start(true);
    watch.add('mine');
    expect(wakes.get('mine')).toBe(1);
    for (let i = 0; i < TEN_THOUSAND; i++) put('others');
    await until(async () => (await context.index.current('others')).length === TEN_THOUSAND, {
      what: 'the files are seen',
      timeoutMs: 20_000,
    });
    expect(wakes.get('others')).toBeUndefined();
    const before = wakes.get('mine') ?? 0;
    for (let i = 0; i < 100; i++) put('mine');
    await until(async () => (await context.index.line('mine')).length === 100, {
      what: 'all are seen',
      timeoutMs: 5000,
    });
    await turn();
    expect((wakes.get('mine') ?? 0) - before).toBeLessThan(10);
    watch.remove('mine');
  }, 40_000);

  it('reserves one message after the other beside 10,000 files without listing them each time', async () => {
    await start(true);
    for (let i = 0; i < TEN_THOUSAND; i++) put('others');
    watch.add('mine');
    const [reserve, settle] = [createReserve(context), createSettle(context)];
    const request = {
      queues: ['mine'],
      max: 1,
      leaseMs: 60_000,
      noAck: false,
      waitMs: 0,
      signal: context.transport.signal,
    };
    await reserve(request);
    await until(async () => (await reserve(request)).length === 0, {
      what: 'what was told of is seen',
      timeoutMs: 5000,
    });
    const before = context.index.listings;
    const started = performance.now();
    for (let i = 0; i < 300; i++) {
      put('mine');
      let got = await reserve(request);
      for (; got.length === 0; got = await reserve(request)) await turn();
      await settle(got.map(({ queue, token }) => ({ queue, token, outcome: 'ack' as const })));
    }
    // One listing in five seconds, for what nobody may have told of.
    expect(context.index.listings - before).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - started) / 5000));
  }, 40_000);

  it('looks at the time of the folder where the system does not tell', async () => {
    await start(false);
    watch.add('mine');
    await until(async () => wakes.get('mine') === 2, { what: 'the first look is over', timeoutMs: 5000 });
    put('mine');
    await until(async () => (wakes.get('mine') ?? 0) > 2, { what: 'the file is noticed', timeoutMs: 5000 });
    expect(
      (
        await createReserve(context)({
          queues: ['mine'],
          max: 5,
          leaseMs: 1000,
          noAck: true,
          waitMs: 0,
          signal: context.transport.signal,
        })
      ).length,
    ).toBe(1);
    expect(warnings).toEqual([]);
  });
});

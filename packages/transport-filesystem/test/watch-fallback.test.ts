import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { type FSWatcher, utimesSync, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Queue } from '@kombu/core';
import { makeFolder } from './support/folder.js';
import { startWatching, type Watching } from './support/watching.js';

const queue = new Queue('q');
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** Runs a command where the system refuses what `limit` counts: in a user namespace of its own, which nobody else feels. */
const without = (limit: string, command: string): readonly [string, readonly string[]] => [
  'unshare',
  ['--user', '--map-root-user', 'sh', '-c', `echo 0 > /proc/sys/user/${limit} && exec ${command}`],
];
const probe = spawnSync(...without('max_inotify_watches', 'true'), { encoding: 'utf8' });

/** A process that consumes, and says each warning and each message. */
function consumer(url: string, limit: string): { readonly lines: string[] } {
  const script = `
    import { Connection, Queue } from '@kombu/core';
    import { filesystem } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const connection = new Connection(${JSON.stringify(url)}, {
      transport: filesystem, transportOptions: { pollingIntervalMs: 50 },
    });
    connection.on('warning', (error) => console.log(error.code, error.message));
    const consumer = connection.consumer({
      queues: [new Queue('q')], prefetchCount: 5,
      onMessage: async (message) => { await message.ack({ confirm: true }); console.log(message.payload); },
    });
    await consumer.consume();
    console.log('consuming');`;
  const [command, args] = without(limit, '"$0" --input-type=module -e "$1"');
  const child = spawn(command, [...args, process.execPath, script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  return { lines };
}

describe('a system that does not tell of new files', () => {
  if (probe.status !== 0) {
    it.skip(`skipped: no process can be denied inotify (${probe.stderr?.trim() || probe.error?.message})`, () => {});
    return;
  }
  it.each([
    ['max_inotify_watches', 'ENOSPC'],
    ['max_inotify_instances', 'EMFILE'],
  ])(
    'because of %s is asked now and then, with a warning (%s), and every message comes',
    async (limit, why) => {
      const folder = await makeFolder();
      const connection = folder.connect();
      try {
        await queue.bind(connection).queueDeclare();
        const producer = connection.producer();
        await producer.publish('before', { routingKey: 'q' });
        const { lines } = consumer(folder.url, limit);
        await until(async () => lines.includes('before'), { what: 'the first message has come', timeoutMs: 20_000 });
        expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^ERR_KOMBU_BROKER_BUSY .*${why}`)));
        for (let n = 0; n < 20; n++) {
          await producer.publish(`one ${n}`, { routingKey: 'q' });
          await until(async () => lines.includes(`one ${n}`), { what: `message ${n} has come`, timeoutMs: 5000 });
        }
        const bodies = Array.from({ length: 200 }, (_, n) => `many ${n}`);
        await producer.publishMany(bodies, { routingKey: 'q' });
        await until(async () => lines.includes('many 199'), { what: 'the last has come', timeoutMs: 10_000 });
        expect(lines.filter((line) => line.startsWith('many'))).toEqual(bodies);
        expect(lines.filter((line) => line.startsWith('ERR_')).length).toBe(1);
      } finally {
        await connection.close();
        await folder.remove();
      }
    },
    60_000,
  );
});

describe('a watch over a folder', () => {
  let watching: Watching;
  afterEach(() => watching.stop());

  /** Takes what there is until there are so many. */
  const take = async (count: number): Promise<number> => {
    let got = 0;
    let seen = -1;
    await until(
      async () => {
        const woken = watching.wakes.get('mine') ?? 0;
        // Only who was woken looks.
        if (woken > seen) got += (await watching.reserve('mine', 64)).length;
        seen = woken;
        return got >= count;
      },
      { what: `${count} messages are taken`, timeoutMs: 5000 },
    );
    return got;
  };

  it('that fails while it is in use is replaced by looks at the folder, which find what it did not tell', async () => {
    let watcher: FSWatcher | undefined;
    watching = await startWatching({}, (folder, options, told) => {
      watcher = watch(folder, options, told);
      return watcher;
    });
    watching.watch.add('mine');
    watching.put('mine');
    expect(await take(1)).toBe(1);
    for (let i = 0; i < 50; i++) watching.put('mine');
    watcher?.emit('error', new Error('inotify is gone'));
    expect(await take(50)).toBe(50);
    watching.put('mine');
    expect(await take(1)).toBe(1);
    expect(watching.warnings).toEqual([
      expect.objectContaining({
        code: 'ERR_KOMBU_BROKER_BUSY',
        message: expect.stringContaining('inotify is gone'),
      }),
    ]);
  });

  it('that looks at the time of the folder also sees what comes within a step of its clock', async () => {
    watching = await startWatching({ fsWatch: false, pollingIntervalMs: 5 });
    const { path, watch: told, put, wakes } = watching;
    const isWoken = async (): Promise<void> => {
      const before = wakes.get('mine') ?? 0;
      await until(async () => (wakes.get('mine') ?? 0) > before, { what: 'the queue is woken', timeoutMs: 800 });
    };
    told.add('mine');
    put('mine');
    // A step of the clock that is not over before this test is.
    const now = Math.ceil(Date.now() / 1000) + 1;
    utimesSync(path, now, now);
    await isWoken();
    put('mine');
    utimesSync(path, now, now);
    await isWoken();
    expect((await watching.reserve('mine', 5)).length).toBe(2);
  });

  it('that looks at the time of the folder is at rest while nothing comes', async () => {
    watching = await startWatching({ fsWatch: false, pollingIntervalMs: 5 });
    watching.watch.add('mine');
    watching.put('mine');
    expect(await take(1)).toBe(1);
    const clockMoved = performance.now() + 100;
    await until(async () => performance.now() > clockMoved, { what: 'the folder is old', timeoutMs: 1000 });
    const before = watching.wakes.get('mine');
    await sleep(100);
    expect(watching.wakes.get('mine')).toBe(before);
  });
});

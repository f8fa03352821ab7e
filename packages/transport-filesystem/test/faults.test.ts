import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, rmdir, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Connection, Exchange, type KombuError, Queue } from '@kombu/core';
import { filesystem } from '../src/index.js';
import { makeFolder, type TestFolder } from './support/folder.js';

jest.setTimeout(30_000);

const code = (error: unknown): string => (error as KombuError).code;
const queue = new Queue('q', { exchange: new Exchange('x', { type: 'direct' }), routingKey: 'k' });
const to = { exchange: 'x', routingKey: 'k' };

const mountPoint = path.join(tmpdir(), `kombu-disk-${process.pid}`);
/** Mounts a small file system in memory; resolves with why that cannot be done. */
async function mountSmallDisk(): Promise<string | undefined> {
  await mkdir(mountPoint, { recursive: true });
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mountPoint], { encoding: 'utf8' });
  if (made.status === 0) return undefined;
  await rmdir(mountPoint);
  return `no small file system can be mounted (${made.stderr?.trim() || made.error?.message})`;
}
async function unmount(): Promise<void> {
  execFileSync('umount', [mountPoint]);
  await rmdir(mountPoint);
}
const unavailable = await mountSmallDisk();
if (unavailable === undefined) await unmount();

describe('a real disk that gets full', () => {
  if (unavailable !== undefined) {
    it.skip(`skipped: ${unavailable}`, () => {});
    return;
  }
  beforeAll(async () => {
    await mountSmallDisk();
  });
  afterAll(unmount);

  it('refuses what it cannot take, keeps what it has confirmed, and goes on when there is room', async () => {
    const folder = await makeFolder(mountPoint);
    const connection = folder.connect();
    await queue.bind(connection).declare();
    const producer = connection.producer();
    const confirmed: number[] = [];
    let refused: unknown;
    for (let n = 0; refused === undefined && n < 1000; n++) {
      await producer.publish({ n, pad: 'x'.repeat(4000) }, to).then(
        () => confirmed.push(n),
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', retryable: true });
    expect((refused as Error).message).toContain('the disk is full');
    expect(await readdir(path.join(folder.path, '.kombu', 'drafts'))).toEqual([]);
    const got: unknown[] = [];
    for (;;) {
      const message = await queue.bind(connection).get();
      if (message === undefined) break;
      got.push((message.payload as { n: number }).n);
      await message.ack({ confirm: true });
    }
    expect(got).toEqual(confirmed);
    await producer.publish({ n: -1 }, to);
    expect((await queue.bind(connection).get())?.payload).toEqual({ n: -1 });
    await connection.close();
  });

  it('that may not be written to is ACCESS_REFUSED, and AUTH_FAILED for who connects', async () => {
    const folder = await makeFolder(mountPoint);
    const connection = folder.connect();
    await queue.bind(connection).declare();
    await connection.producer().publish('before', to);
    execFileSync('mount', ['-o', 'remount,ro', mountPoint]);
    try {
      expect(await connection.producer().publish('no', to).catch(code)).toBe('ERR_KOMBU_ACCESS_REFUSED');
      expect(await queue.bind(connection).get().catch(code)).toBe('ERR_KOMBU_ACCESS_REFUSED');
      const other = new Connection(`filesystem://${mountPoint}/another`, { transport: filesystem });
      expect(await other.connect().catch(code)).toBe('ERR_KOMBU_AUTH_FAILED');
      await other.close();
    } finally {
      execFileSync('mount', ['-o', 'remount,rw', mountPoint]);
    }
    expect((await queue.bind(connection).get())?.payload).toBe('before');
    await connection.close();
  });
});

describe('a folder', () => {
  let folder: TestFolder;
  let connection: Connection;
  const warnings: KombuError[] = [];

  beforeEach(async () => {
    folder = await makeFolder();
    connection = folder.connect({ reconnect: { intervalStartMs: 50, intervalStepMs: 0 } });
    warnings.length = 0;
    connection.on('warning', (error: KombuError) => warnings.push(error));
    await queue.bind(connection).declare();
  });
  afterEach(async () => {
    await connection.close();
    await folder.remove();
  });

  const foreign = async (text: string, ageMs: number): Promise<string> => {
    const name = '1550091_bf2f6851-4934-437f-b643-0cb2216bca17.q.msg';
    const file = path.join(folder.path, name);
    await writeFile(file, text);
    const then = new Date(Date.now() - ageMs);
    await utimes(file, then, then);
    return name;
  };

  it('with a file that is no envelope puts it aside with a DecodeError, and loses neither it nor the others', async () => {
    const name = await foreign('this is no message', 60_000);
    await connection.producer().publish('a message', to);
    const message = await queue.bind(connection).get();
    expect(message?.payload).toBe('a message');
    await message?.ack();
    expect(warnings.map(code)).toEqual(['ERR_KOMBU_DECODE']);
    expect(warnings[0]?.message).toContain(name);
    expect(await readFile(path.join(folder.path, '.kombu', 'unreadable', name), 'utf8')).toBe('this is no message');
  });

  it('with a file that is still being written leaves it alone until it is whole', async () => {
    const whole = JSON.stringify({
      body: Buffer.from('late').toString('base64'),
      'content-encoding': 'utf-8',
      'content-type': 'text/plain',
      headers: {},
      properties: { delivery_tag: 't', delivery_info: { exchange: '', routing_key: 'q' }, body_encoding: 'base64' },
    });
    const name = await foreign(whole.slice(0, 60), 0);
    expect(await queue.bind(connection).get()).toBeUndefined();
    await writeFile(path.join(folder.path, name), whole);
    expect((await queue.bind(connection).get())?.payload).toBe('late');
    expect(warnings).toEqual([]);
  });

  it('that vanishes ends the link with CONNECTION_LOST; what was in it is there when it comes back', async () => {
    await connection.producer().publish('kept', to);
    const held = await queue.bind(connection).get();
    await connection.producer().publish('kept, too', to);
    const lost = new Promise<KombuError>((resolve) =>
      connection.on('disconnected', (event) => resolve(event as never)),
    );
    const revived = new Promise((resolve) => connection.on('revived', resolve));
    await folder.takeAway();
    expect(await connection.producer().publish('no', to).catch(code)).toBe('ERR_KOMBU_CONNECTION_LOST');
    await lost;
    await folder.bringBack();
    await revived;
    await held?.ack({ confirm: true });
    const next = await queue.bind(connection).get();
    expect(next?.payload).toBe('kept, too');
    await next?.ack({ confirm: true });
    expect(await queue.bind(connection).get()).toBeUndefined();
    expect(await readdir(path.join(folder.path, '.kombu', 'in-flight'))).toEqual([]);
  });

  it('without the program flock cannot share bindings with Python, and says what to do', async () => {
    const script = `
      import { Connection, Exchange, Queue } from '@kombu/core';
      import { filesystem } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
      const q = new Queue('q', { exchange: new Exchange('x'), routingKey: 'k' });
      for (const transportOptions of [{}, { shareWithPython: false, controlFolder: ${JSON.stringify(`${folder.path}/own`)} }]) {
        const connection = new Connection(${JSON.stringify(folder.url)}, { transport: filesystem, transportOptions });
        try {
          await new Queue('other', { exchange: q.exchange, routingKey: 'o' }).bind(connection).declare();
          await connection.producer().publish('works', { exchange: q.exchange, routingKey: 'o' });
          console.log((await new Queue('other').bind(connection).get()).payload);
        } catch (error) {
          console.log(error.code, error.message);
        }
        await connection.close();
      }`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      env: { PATH: '/nowhere' },
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^ERR_KOMBU_NOT_SUPPORTED.*shareWithPython/),
      'works',
      '',
    ]);
  });

  it('with a table of bindings that cannot be read says which, and does not overwrite it', async () => {
    const file = path.join(folder.path, 'control', 'x.exchange');
    await writeFile(file, 'garbage');
    const other = new Queue('other', { exchange: queue.exchange as Exchange, routingKey: 'o' });
    const error = (await other
      .bind(connection)
      .declare()
      .catch((cause: unknown) => cause)) as KombuError;
    expect(error).toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', message: expect.stringContaining(file) });
    expect(await readFile(file, 'utf8')).toBe('garbage');
  });

  it('takes queues by their exact names', async () => {
    const names = ['a', 'b.a', 'a.msg', 'a/b', 'ü ☃', 'a%2Fb'];
    for (const name of names) await connection.producer().publish(name, { routingKey: name });
    for (const name of names) {
      const bound = new Queue(name).bind(connection);
      await bound.queueDeclare();
      const message = await bound.get();
      expect(message?.payload).toBe(name);
      await message?.ack();
      expect(await bound.get()).toBeUndefined();
    }
  });

  it('refuses names that are too long for it', async () => {
    const name = 'q'.repeat(300);
    expect(await connection.producer().publish('x', { routingKey: name }).catch(code)).toBe(
      'ERR_KOMBU_PRECONDITION_FAILED',
    );
    expect(await new Queue(name).bind(connection).queueDeclare().catch(code)).toBe('ERR_KOMBU_PRECONDITION_FAILED');
  });
});

describe('options', () => {
  const connect = (url: string, transportOptions: object): Promise<unknown> => {
    const connection = new Connection(url, { transport: filesystem, transportOptions, reconnect: false });
    return connection
      .connect()
      .then(
        () => 'connected',
        (error: KombuError) => `${error.code}: ${error.message}`,
      )
      .finally(() => connection.close());
  };

  it('has no folder on another host: two slashes where three are meant', async () => {
    expect(await connect('filesystem://tmp/kombu-fs-host', {})).toMatch(/INVALID_OPTION.*'tmp'.*three slashes/);
    expect(await connect('filesystem://tmp', { dataFolderIn: '/x', dataFolderOut: '/x' })).toMatch(/INVALID_OPTION/);
    const folder = path.join(tmpdir(), `kombu-fs-host-${process.pid}`);
    expect(await connect(`filesystem://localhost${folder}`, {})).toBe('connected');
    await rm(folder, { recursive: true });
  });

  it('that are missing, unknown or of the wrong kind are errors that name them', async () => {
    const [data, out] = ['in', 'out'].map((name) => path.join(tmpdir(), `kombu-fs-options-${process.pid}`, name));
    expect(await connect('filesystem://', {})).toMatch(/INVALID_OPTION.*dataFolderIn/);
    expect(await connect('filesystem://', { dataFolderIn: data })).toMatch(/INVALID_OPTION.*dataFolderOut/);
    expect(await connect('filesystem://', { dataFolderIn: data, dataFolderOut: out })).toMatch(/controlFolder/);
    expect(await connect('filesystem://', { dataFolderIn: data, dataFolderOut: data })).toBe('connected');
    expect(await connect(`filesystem://${data}?store_processed=true`, {})).toBe('connected');
    await mkdir(path.join(data as string, 'x'));
    const wrong = [
      () => connect(`filesystem://${data}`, { dataFolderInn: 'x' }),
      () => connect(`filesystem://${data}`, { storeProcessed: 'perhaps' }),
      () => connect(`filesystem://${data}?data_folder=x`, {}),
    ];
    const messages = await Promise.all(
      wrong.map((attempt) =>
        Promise.resolve()
          .then(attempt)
          .catch((e: KombuError) => `${e.code}: ${e.message}`),
      ),
    );
    expect(messages[0]).toMatch(/INVALID_OPTION.*dataFolderIn\b/);
    expect(messages[1]).toMatch(/INVALID_OPTION.*storeProcessed/);
    expect(messages[2]).toMatch(/INVALID_OPTION.*data_folder/);
    await rm(path.dirname(data as string), { recursive: true });
  });

  it('data_folder_out of one is data_folder_in of the other, as in Python', async () => {
    const folder = await makeFolder();
    const [a, b] = ['a', 'b'].map((name) => path.join(folder.path, name)) as [string, string];
    const controlFolder = path.join(folder.path, 'c');
    const make = (dataFolderIn: string, dataFolderOut: string) =>
      new Connection('filesystem://', {
        transport: filesystem,
        transportOptions: { dataFolderIn, dataFolderOut, controlFolder },
      });
    const [left, right] = [make(a, b), make(b, a)];
    await queue.bind(left).declare();
    await left.producer().publish('to the right', to);
    expect(await queue.bind(left).get()).toBeUndefined();
    const message = await queue.bind(right).get();
    expect(message?.payload).toBe('to the right');
    await message?.requeue();
    await until(async () => (await queue.bind(right).queueDeclare()).messageCount === 1, {
      what: 'it is back',
      timeoutMs: 5000,
    });
    await Promise.all([left.close(), right.close()]);
    await folder.remove();
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder, until } from '@kombu/brokers';
import { startOwnServer } from '../src/own-server.js';

/** A process that has nothing to do but to be there. */
async function idle() {
  const ended: string[] = [];
  const folder = await temporaryFolder();
  const server = {
    name: 'idle',
    command: process.execPath,
    args: ['-e', 'console.log("here"); setInterval(() => {}, 1000)'],
    folder,
    timeoutMs: 10_000,
    ready: () => readFileSync(`${folder.path}/idle.log`, 'utf8').endsWith('here\n'),
    beside: [async () => void ended.push('beside')],
  };
  return { server, folder: folder.path, ended };
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a server of our own', () => {
  it('has the pid of the process that runs now, and leaves nothing behind', async () => {
    const { server, folder, ended } = await idle();
    await using broker = await startOwnServer({ ...server, about: () => ({ answer: 42 }) });
    expect(broker.answer).toBe(42);
    const first = broker.pid as number;
    await broker.restart();
    const second = broker.pid as number;
    expect([lives(first), lives(second), first === second]).toEqual([false, true, false]);
    await until(() => broker.log().includes('here\nhere\n'), { what: 'both have written to one log' });
    await Promise.all([broker.close(), broker.close()]);
    expect([lives(second), existsSync(folder)]).toEqual([false, false]);
    expect(ended).toEqual(['beside']);
  });

  it('is ended where what it says of itself cannot be had', async () => {
    const { server, folder, ended } = await idle();
    let pid = 0;
    const failing = startOwnServer({
      ...server,
      args: ['-e', 'console.log(process.pid, "here"); setInterval(() => {}, 1000)'],
      about: () => {
        pid = Number.parseInt(readFileSync(`${folder}/idle.log`, 'utf8'), 10);
        throw new Error('no version');
      },
    });
    await expect(failing).rejects.toThrow('no version');
    expect(pid).toBeGreaterThan(0);
    expect([lives(pid), existsSync(folder), ended]).toEqual([false, false, ['beside']]);
  });

  it('that does not come up takes with it what goes with it', async () => {
    const { server, folder, ended } = await idle();
    const failing = startOwnServer({
      ...server,
      args: ['-e', 'process.exit(3)'],
      ready: () => false,
      about: () => ({}),
    });
    await expect(failing).rejects.toThrow('idle ended while starting');
    expect([existsSync(folder), ended]).toEqual([false, ['beside']]);
  });
});

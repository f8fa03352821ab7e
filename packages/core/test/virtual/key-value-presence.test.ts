import { describe, expect, it } from '@jest/globals';
import { createKeyValuePresence } from '../../src/virtual/key-value-presence.js';
import type { PresenceEntry, PresenceStore } from '../../src/virtual/presence-store.js';
import { MemoryKeys } from './support/memory-keys.js';

const entry = (consumer: string, exclusive = false, queue = 'q'): PresenceEntry => ({
  queue,
  consumer,
  owner: `owner of ${consumer}`,
  exclusive,
});

interface Process {
  readonly presence: PresenceStore;
  die(): void;
}

function start(keys: MemoryKeys, now: () => number = Date.now): Process {
  const store = keys.open();
  const clock = {
    now,
    monotonic: () => performance.now(),
    after: (ms: number, fn: () => void) => {
      const timer = setTimeout(fn, ms);
      return () => clearTimeout(timer);
    },
  };
  return {
    presence: createKeyValuePresence(store, { prefix: 'k/', clock }),
    die: () => keys.sessions.delete(store.session),
  };
}

describe('presence in a store of keys', () => {
  it('lets one in of many that want a queue for themselves at once', async () => {
    const keys = new MemoryKeys();
    const processes = Array.from({ length: 8 }, () => start(keys));
    const joined = await Promise.all(processes.map(({ presence }, i) => presence.join(entry(`c${i}`, true), 1000)));
    expect(joined.filter(Boolean)).toHaveLength(1);
    expect(keys.refused).toBeGreaterThan(0);
    expect(await processes[0]?.presence.count('q')).toBe(1);
  });

  it('never has an exclusive consumer beside another', async () => {
    for (let round = 0; round < 20; round++) {
      const keys = new MemoryKeys();
      const [a, b] = [start(keys), start(keys)];
      const [one, two] = await Promise.all([
        a.presence.join(entry('exclusive', true), 1000),
        b.presence.join(entry('shared'), 1000),
      ]);
      expect(Number(one) + Number(two)).toBe(1);
    }
  });

  it('counts each consumer once, however many come and go at once', async () => {
    const keys = new MemoryKeys();
    const processes = Array.from({ length: 5 }, () => start(keys));
    await Promise.all(
      processes.flatMap(({ presence }, i) => [presence.join(entry(`a${i}`), 1), presence.join(entry(`b${i}`), 1)]),
    );
    expect(await processes[0]?.presence.count('q')).toBe(10);
    const left = await Promise.all(processes.map(({ presence }, i) => presence.leave('q', `a${i}`)));
    expect([...left].sort((x, y) => x - y)).toEqual([5, 6, 7, 8, 9]);
    await Promise.all(processes.map(({ presence }, i) => presence.leave('q', `b${i}`)));
    expect([...keys.entries.keys()]).toEqual([]);
  });

  it('forgets whoever has died: its consumers, its place alone, its claims', async () => {
    const keys = new MemoryKeys();
    const [dead, alive] = [start(keys), start(keys)];
    expect(await dead.presence.join(entry('x', true), 1000)).toBe(true);
    expect(await dead.presence.claim('q', 'the dead', 1000)).toBe(true);
    expect(await alive.presence.join(entry('y'), 1000)).toBe(false);
    expect(await alive.presence.claim('q', 'me', 1000)).toBe(false);
    expect(await alive.presence.claimedBy('q')).toBe('the dead');
    dead.die();
    expect(await alive.presence.count('q')).toBe(0);
    expect(await alive.presence.claimedBy('q')).toBeUndefined();
    expect(await alive.presence.join(entry('y', true), 1000)).toBe(true);
    expect(await alive.presence.claim('q', 'me', 1000)).toBe(true);
    expect(keys.json('k/consumers/q')).toMatchObject({ consumers: [{ consumer: 'y' }], claim: { owner: 'me' } });
  });

  it('gives a claim to one of many, and back to its owner over a new link', async () => {
    const keys = new MemoryKeys();
    const processes = Array.from({ length: 6 }, () => start(keys));
    const won = await Promise.all(processes.map(({ presence }, i) => presence.claim('q', `owner ${i}`, 1000)));
    expect(won.filter(Boolean)).toHaveLength(1);
    const owner = `owner ${won.indexOf(true)}`;
    const again = start(keys);
    expect(await again.presence.claim('q', owner, 1000)).toBe(true);
    processes[won.indexOf(true)]?.die();
    expect(await again.presence.claimedBy('q')).toBe(owner);
    await again.presence.unclaim('q', 'somebody else');
    expect(await again.presence.claimedBy('q')).toBe(owner);
    await again.presence.unclaim('q', owner);
    expect(await again.presence.claimedBy('q')).toBeUndefined();
  });

  it('shares since when nobody has used a queue', async () => {
    const keys = new MemoryKeys();
    let now = 1000;
    const [a, b] = [start(keys, () => now), start(keys, () => now)];
    expect(await b.presence.idleSince?.('q')).toBeUndefined();
    await a.presence.touch?.('q', 100);
    now = 1005;
    const { commits } = keys;
    await a.presence.touch?.('q', 100);
    expect(keys.commits).toBe(commits);
    expect(await b.presence.idleSince?.('q')).toBe(1000);
    now = 1050;
    await a.presence.touch?.('q', 100);
    expect(await b.presence.idleSince?.('q')).toBe(1050);
    await a.presence.join(entry('c'), 1000);
    expect(await b.presence.idleSince?.('q')).toBeUndefined();
    now = 2000;
    await a.presence.leave('q', 'c');
    expect(await b.presence.idleSince?.('q')).toBe(2000);
    await a.presence.touch?.('q', 0);
    expect(await b.presence.idleSince?.('q')).toBeUndefined();
    expect([...keys.entries.keys()]).toEqual([]);
  });

  it('takes a queue whose consumer has died as used until that is seen', async () => {
    const keys = new MemoryKeys();
    let now = 1000;
    const [dead, alive] = [start(keys, () => now), start(keys, () => now)];
    await dead.presence.touch?.('q', 100);
    await dead.presence.join(entry('c'), 1000);
    now = 5000;
    dead.die();
    expect(await alive.presence.idleSince?.('q')).toBe(5000);
    now = 5200;
    expect(await alive.presence.idleSince?.('q')).toBe(5000);
  });
});

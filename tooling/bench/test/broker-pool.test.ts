import { describe, expect, it } from '@jest/globals';
import { createBrokerPool } from '../src/broker-pool.js';

/** A suite whose broker starts when it is told to. */
function suite(events: string[], name: string) {
  let ready = (_: object) => {};
  const started = new Promise<object>((resolve) => {
    ready = resolve;
  });
  const broker = {
    url: 'x://',
    close: async () => {
      events.push(`end ${name}`);
    },
  };
  return {
    name,
    ready: () => ready(broker),
    size: 1,
    libraries: [],
    order: undefined,
    run: async () => {},
    start: () => {
      events.push(`start ${name}`);
      return started as Promise<typeof broker>;
    },
  };
}

describe('the brokers of a run', () => {
  it('start when it is their turn, so that a measurement has the machine for itself', async () => {
    const events: string[] = [];
    const [a, b] = [suite(events, 'a'), suite(events, 'b')];
    const pool = createBrokerPool([a, b]);
    a.ready();
    b.ready();
    await pool.end(await pool.get(a));
    await pool.end(await pool.get(b));
    expect(events).toEqual(['start a', 'end a', 'start b', 'end b']);
  });

  it('all start at once for a quick look, and one that is not ready in time is left out', async () => {
    const events: string[] = [];
    const [a, b] = [suite(events, 'a'), suite(events, 'b')];
    const over = new AbortController();
    const pool = createBrokerPool([a, b], over.signal);
    expect(events).toEqual(['start a', 'start b']);
    a.ready();
    await pool.end(await pool.get(a));
    const waiting = pool.get(b);
    over.abort(new Error('the time was over'));
    expect(await waiting).toEqual({ unavailable: 'the time was over before it was ready' });
    await pool.allEnded();
    expect(events).toContain('end a');
  });

  it('say why one cannot be started', async () => {
    const broken = { ...suite([], 'c'), start: () => Promise.reject(new Error('no such program')) };
    expect(await createBrokerPool([broken]).get(broken)).toEqual({ unavailable: 'no such program' });
  });
});

import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@kombu/core';
import { createClient } from '../src/client.js';
import { Line } from '../src/line.js';
import { EtcdLink } from '../src/link.js';
import { flagged, messageName, parseName, rankOf } from '../src/message-name.js';
import { Watcher, type WatchStream } from '../src/watcher.js';

/** A stream whose answers are written by hand: a server that is compacted in the right moment cannot be had. */
function streamByHand() {
  const written: object[] = [];
  let answer: (response: object) => void = () => {};
  const stream = {
    on: (_: 'data', listener: (response: never) => void) => {
      answer = listener as typeof answer;
    },
    write: (request: object) => written.push(request),
  } as WatchStream;
  return { stream, written, answer: (response: object) => answer({ events: [], ...response }) };
}

const target = { hostname: '127.0.0.1', port: 1, tls: undefined } as Parameters<typeof createClient>[0];
const turn = () => new Promise((resolve) => setImmediate(resolve));

function start() {
  const byHand = streamByHand();
  const link = new EtcdLink(createClient(target, 'test'), silentLogger);
  const watcher = new Watcher(link, async () => byHand.stream);
  const told: string[] = [];
  const stop = watcher.watch({
    key: 'k',
    scope: 'key',
    of: 'puts',
    started: () => told.push('started'),
    changed: (events) => told.push(`changed ${events.length}`),
  });
  return { ...byHand, link, told, stop };
}

describe('a watch', () => {
  it('that was cut off by a compaction begins anew, and says that everything is to be read again', async () => {
    const { written, answer, told, link } = start();
    await turn();
    answer({ created: true, watch_id: '7' });
    answer({ watch_id: '7', events: [{}] });
    answer({ watch_id: '7', canceled: true, compact_revision: '99' });
    await turn();
    expect(written).toHaveLength(2);
    answer({ created: true, watch_id: '8' });
    answer({ watch_id: '7', events: [{}] });
    answer({ watch_id: '8', events: [{}, {}] });
    expect(told).toEqual(['started', 'changed 1', 'started', 'changed 2']);
    link.destroy();
  });

  it('that is refused ends the link', async () => {
    const { answer, link } = start();
    await turn();
    answer({ created: true, watch_id: '-1', canceled: true, cancel_reason: 'permission denied' });
    expect((await link.closed)?.message).toContain('permission denied');
  });

  it('that was ended before it had begun is cancelled when it begins', async () => {
    const { answer, written, told, stop, link } = start();
    stop();
    await turn();
    answer({ created: true, watch_id: '3' });
    await turn();
    expect(written[1]).toEqual({ cancel_request: { watch_id: '3' } });
    expect(told).toEqual([]);
    link.destroy();
  });
});

describe('names of messages', () => {
  it('sort by priority, then by revision, then by place', () => {
    const at = (priority: number, base: string, index: number) =>
      messageName(rankOf(priority), base, index, false, 1000);
    const inOrder = [at(9, '5', 0), at(9, '10', 0), at(9, '10', 1), at(9, '10', 300), at(3, '1', 0), at(0, '1', 0)];
    expect([...inOrder].sort()).toEqual(inOrder);
    expect(parseName(at(3, '1', 0))).toEqual({ rank: '6', redelivered: false, expiresAt: 1000 });
    expect(parseName(flagged(at(3, '1', 0)))).toEqual({ rank: '6', redelivered: true, expiresAt: 1000 });
    expect(flagged(flagged(at(3, '1', 0)))).toBe(flagged(at(3, '1', 0)));
    expect(parseName('something else')).toBeUndefined();
  });
});

describe('a line', () => {
  const nobody = new Set<string>();

  it('lists each part once, and what comes later from where it was', () => {
    const line = new Line();
    const [all] = line.gaps();
    expect(all).toMatchObject({ first: 0, last: 9, after: undefined });
    if (all === undefined) throw new Error('a gap was expected');
    line.listed(all, ['0-a', '9-b', '9-c'], nobody, false);
    expect(line.take(2)).toEqual(['0-a', '9-b']);
    expect(line.take(2)).toEqual(['9-c']);
    expect(line.gaps()).toEqual([]);
    line.changed('9');
    expect(line.gaps()).toMatchObject([{ first: 9, last: 9, after: '9-c' }]);
  });

  it('takes nothing of a lower rank while a higher one may have something', () => {
    const line = new Line();
    const [all] = line.gaps();
    if (all === undefined) throw new Error('a gap was expected');
    line.listed(all, ['9-b'], nobody, false);
    line.changed('4');
    expect(line.take(1)).toEqual([]);
    const [gap] = line.gaps();
    if (gap === undefined) throw new Error('a gap was expected');
    line.listed(gap, ['4-a'], nobody, false);
    expect(line.take(5)).toEqual(['4-a', '9-b']);
  });

  it('forgets what was listed before something came back to its place', () => {
    const line = new Line();
    const [old] = line.gaps();
    if (old === undefined) throw new Error('a gap was expected');
    line.changed('*');
    line.listed(old, ['9-b'], nobody, false);
    expect(line.take(1)).toEqual([]);
    expect(line.gaps()).toMatchObject([{ first: 0, last: 9, after: undefined }]);
  });

  it('goes on where there was more than was asked for', () => {
    const line = new Line();
    const [all] = line.gaps();
    if (all === undefined) throw new Error('a gap was expected');
    line.listed(all, ['0-a', '5-b'], new Set(['5-b']), true);
    expect(line.take(5)).toEqual(['0-a']);
    expect(line.gaps()).toMatchObject([{ first: 5, last: 9, after: '5-b' }]);
  });
});

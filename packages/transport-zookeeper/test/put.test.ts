import { describe, expect, it } from '@jest/globals';
import type { ExchangeTable, PutResult } from '@kombu/core/virtual';
import type { DriverContext } from '../src/driver-context.js';
import type { Outcome, Step } from '../src/link.js';
import { createPaths } from '../src/paths.js';
import { createPut } from '../src/put.js';
import { entryOf } from './support/driver.js';

const done: Outcome = { done: true, paths: [] };
const refused = (at: number, code: number): Outcome => ({ done: false, at, code });
const [NO_NODE, BAD_VERSION] = [-101, -103];
const table: ExchangeTable = { name: 'x', record: undefined, bindings: [], version: '2+' };

/** A put over a link that answers transactions in this way, one after the other. */
function putOver(answers: readonly Outcome[], maxBufferBytes = 1_048_575) {
  const asked: (readonly Step[])[] = [];
  const made: string[] = [];
  const link = {
    check() {},
    multi: async (_: string, steps: readonly Step[]) => answers[asked.push(steps) - 1] ?? done,
    create: async (path: string) => made.push(path) > 0,
    translate: (error: unknown) => error,
  };
  const context = { link, paths: createPaths('v', undefined), maxBufferBytes } as unknown as DriverContext;
  const put = createPut(context, {
    check: () => ({ kind: 'check', path: '/stamp', version: 1 }),
    stale: async () => [table],
    evict: async () => [],
  });
  /** Two messages that do not fit into one request. */
  const large = ['a', 'b'].map((queue, n) => ({ ...entryOf(queue, n), payload: 'x'.repeat(400_000) }));
  return {
    asked,
    made,
    run: () => put({ entries: large, check: [{ exchange: 'x', version: '1+' }] }) as Promise<PutResult>,
    put,
  };
}

describe('a batch that is more than one request', () => {
  it('has no request that is larger than its server takes', async () => {
    const { asked, put } = putOver([], 131_072);
    const entries = Array.from({ length: 10 }, (_, n) => ({ ...entryOf('q', n), payload: 'x'.repeat(30_000) }));
    expect(await put({ entries, check: [] })).toEqual({ failures: [], evicted: [] });
    expect(asked.map((steps) => steps.length)).toEqual([2, 2, 2, 2, 2]);
  });

  it('is routed anew as a whole where nothing of it was stored by tables that have changed', async () => {
    const { run, asked } = putOver([refused(0, BAD_VERSION), refused(0, BAD_VERSION)]);
    expect(await run()).toEqual({ failures: [], evicted: [], stale: [table], stored: false });
    expect(asked).toHaveLength(2);
  });

  it('is stored as a whole where a part of it was, and core is told of the new tables', async () => {
    const one = putOver([done, refused(0, BAD_VERSION)]);
    expect(await one.run()).toEqual({ failures: [], evicted: [], stale: [table], stored: true });
    expect(one.asked.map((steps) => steps.map(({ kind }) => kind))).toEqual([
      ['check', 'create'],
      ['check', 'create'],
      ['create'],
    ]);
    // The first part waits for its queue; by then the second is stored, and the tables have changed.
    const other = putOver([refused(1, NO_NODE), done, refused(0, BAD_VERSION)]);
    expect(await other.run()).toEqual({ failures: [], evicted: [], stale: [table], stored: true });
    expect(other.made).toEqual(['/v/a']);
    expect(other.asked.at(-1)?.map(({ kind, path }) => [kind, path])).toEqual([['create', '/v/a/entry-009-']]);
  });

  it('what comes behind one that is put right waits for it', async () => {
    const { run, put, asked } = putOver([refused(1, NO_NODE), done]);
    const first = run();
    await new Promise((resolve) => setImmediate(resolve));
    const second = put({ entries: [entryOf('a', 2)], check: [] });
    await Promise.all([first, second]);
    expect(asked.map((steps) => steps.at(-1)?.path)).toEqual([
      '/v/a/entry-009-',
      '/v/b/entry-009-',
      '/v/a/entry-009-',
      '/v/a/entry-009-',
    ]);
  });

  it('one message that cannot be stored at all is one failure', async () => {
    const { put } = putOver([]);
    const entries = [entryOf('n'.repeat(3000), 0), entryOf('a', 1)];
    const { failures } = (await put({ entries, check: [] })) as PutResult;
    expect(failures).toMatchObject([{ index: 0, error: { code: 'ERR_KOMBU_PRECONDITION_FAILED' } }]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { OperationalError } from '@kombu/core';
import { Claims } from '../src/claims.js';
import type { DriverContext } from '../src/driver-context.js';
import type { Outcome, Step } from '../src/link.js';
import { createPaths } from '../src/paths.js';

const lost = new OperationalError('CONNECTION_LOST', 'gone');

/** Claims over a link that answers transactions in this way, one after the other. */
function claimsOver(answers: readonly (Outcome | 'lost')[]) {
  const asked: (readonly Step[])[] = [];
  const held = new Set<string>();
  const link = {
    async multi(_: string, steps: readonly Step[]): Promise<Outcome> {
      const answer = answers[asked.push(steps) - 1] ?? 'lost';
      if (answer === 'lost') throw lost;
      return answer;
    },
    translate: (error: unknown) => error,
  };
  const session = { name: 'abc', held, marked: new Set(['q']) };
  const paths = createPaths('v', undefined);
  const context = { link, session, paths, maxBufferBytes: 1_048_575 } as unknown as DriverContext;
  return { claims: new Claims(context), asked, held };
}

const entry = (n: number, bytes = 1) => ({ name: `entry-009-000000000${n}`, data: Buffer.alloc(bytes, String(n)) });
const done: Outcome = { done: true, paths: [] };
const taken = (at: number): Outcome => ({ done: false, at, code: -101 });

describe('taking messages', () => {
  it('is one transaction for all that one request can carry', async () => {
    const { claims, asked, held } = claimsOver([done, done]);
    const big = 300_000;
    const { reserved } = await claims.take('q', [entry(1), entry(2), entry(3, big), entry(4, big)], 'claim');
    expect(reserved).toHaveLength(4);
    expect(asked.map((steps) => steps.length)).toEqual([6, 2]);
    expect(asked[0]?.slice(0, 2).map(({ kind }) => kind)).toEqual(['remove', 'create']);
    expect(held.size).toBe(4);
  });

  it('hands over what it has when the link is lost in between: nobody else would', async () => {
    const { claims, held } = claimsOver([done, 'lost']);
    const { reserved } = await claims.take('q', [entry(1, 400_000), entry(2, 400_000)], 'claim');
    expect(reserved.map(({ payload }) => (payload as string)[0])).toEqual(['1']);
    expect(held.size).toBe(1);
    const none = claimsOver(['lost']);
    await expect(none.claims.take('q', [entry(1)], 'claim')).rejects.toBe(lost);
    expect(none.held.size).toBe(0);
  });

  it('leaves out what others were quicker with, and what its own link was lost for', async () => {
    const { claims, asked, held } = claimsOver([taken(2), done, taken(0), 'lost']);
    const { reserved, gone, lost: count } = await claims.take('q', [entry(1), entry(2), entry(3)], 'claim');
    expect(asked).toHaveLength(4);
    expect(reserved).toHaveLength(1);
    expect([gone.length, count, held.size]).toEqual([2, 1, 1]);
  });

  it('for good needs no claims', async () => {
    const { claims, asked, held } = claimsOver([done]);
    const { reserved } = await claims.take('q', [entry(1), entry(2)], 'remove');
    expect(asked[0]?.map(({ kind }) => kind)).toEqual(['remove', 'remove']);
    expect(reserved.map(({ token }) => token)).toEqual([undefined, undefined]);
    expect(held.size).toBe(0);
  });
});

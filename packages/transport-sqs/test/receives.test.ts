import { describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { ClosedError, type Deferred, deferred, OperationalError, silentLogger } from '@kombu/core';
import { SqsLink } from '../src/link.js';
import { Receives } from '../src/receives.js';

/** A receive that ends when the test says so. */
function receiving(receives: Receives, closing?: AbortSignal) {
  const answer: Deferred<readonly string[]> = deferred();
  const late: string[] = [];
  const taken = receives.take(
    () => answer.promise,
    async (got) => void late.push(...got),
    closing,
  );
  return { answer, late, taken };
}

describe('receives of a link that is closing', () => {
  it('are waited for a moment, and go to whom they are for', async () => {
    const receives = new Receives();
    const closing = new AbortController();
    const { answer, late, taken } = receiving(receives, closing.signal);
    closing.abort();
    answer.resolve(['a']);
    expect([await taken, late]).toEqual([['a'], []]);
    await receives.landed();
    expect(receives.isIdle).toBe(true);
  });

  it('are left behind then, and what they bring is let go of', async () => {
    const receives = new Receives();
    const closing = new AbortController();
    const first = receiving(receives, closing.signal);
    const second = receiving(receives, closing.signal);
    closing.abort();
    expect([await first.taken, await second.taken]).toEqual([[], []]);
    expect(receives.isIdle).toBe(false);
    first.answer.resolve(['a']);
    second.answer.reject(new OperationalError('CONNECTION_LOST', 'says the test'));
    await receives.landed();
    expect([first.late, second.late]).toEqual([['a'], []]);
  });

  it('are not made any more', () => {
    const receives = new Receives();
    const closing = new AbortController();
    receives.check();
    receiving(receives, closing.signal);
    closing.abort();
    expect(() => receives.check()).toThrow(ClosedError);
  });

  it('end with the link for who waits, and keep its connections until they have ended', async () => {
    let destroyed = 0;
    const link = new SqsLink(silentLogger, 1000, () => destroyed++);
    const { answer, late, taken } = receiving(link.receives);
    link.end();
    await expect(taken).rejects.toMatchObject({ code: 'ERR_KOMBU_CLOSED' });
    await link.closed;
    expect(destroyed).toBe(0);
    answer.resolve(['a']);
    await until(() => destroyed === 1, { what: 'the connections are gone' });
    expect(late).toEqual(['a']);
  });
});

describe('a call that nothing answers', () => {
  it('ends, whatever hangs below', async () => {
    const link = new SqsLink(silentLogger, 10, () => {});
    const call = link.call('this', () => new Promise(() => {}));
    await expect(call).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST', message: 'this failed: no answer' });
    expect(await link.closed).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
  });
});

import { describe, expect, it } from '@jest/globals';
import { type Clock, KombuError, type Route, type WireMessage } from '@kombu/core';
import fc from 'fast-check';
import { ConfirmWindow } from '../src/publish/confirm-window.js';
import { refusedPublish } from '../src/publish/culprit.js';
import { Deadlines } from '../src/publish/deadlines.js';
import { InFlight } from '../src/publish/in-flight.js';
import { Pending } from '../src/publish/pending.js';

/** A clock that is turned by hand. */
function handClock(): Clock & { turn(ms: number): void } {
  let now = 0;
  let timers: { at: number; fn: () => void }[] = [];
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((t) => t !== timer);
      };
    },
    turn(ms) {
      const end = now + ms;
      for (;;) {
        const due = timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        now = due.at;
        timers = timers.filter((t) => t !== due);
        due.fn();
      }
      now = end;
    },
  };
}

function pending(body: string, route: Partial<Route> = {}, deadline?: number, properties = {}, headers = {}): Pending {
  const message: WireMessage = {
    body: Buffer.from(body),
    contentType: undefined,
    contentEncoding: undefined,
    headers,
    properties,
  };
  return new Pending(message, { exchange: 'x', routingKey: 'k', ...route }, { deadline });
}

/** How a publish ended. */
function outcome(it: Pending): Promise<string> {
  return it.promise.then(
    () => 'done',
    (error: KombuError) => error.code,
  );
}

describe('the window of unconfirmed publishes', () => {
  it('takes out what a naive list would, for any confirms', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constant({ push: true } as const) },
      { weight: 2, arbitrary: fc.record({ tag: fc.nat({ max: 60 }), multiple: fc.boolean() }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const window = new ConfirmWindow<{ seq: number }>();
        const model = new Map<number, { seq: number }>();
        let next = 1;
        for (const it of steps) {
          if ('push' in it) {
            expect(window.next).toBe(next);
            const item = { seq: next };
            model.set(next++, item);
            window.push(item);
            continue;
          }
          const expected = [...model.keys()].filter((seq) =>
            it.multiple ? it.tag === 0 || seq <= it.tag : seq === it.tag,
          );
          const taken: number[] = [];
          window.take(it.tag, it.multiple, ({ seq }) => taken.push(seq));
          for (const seq of expected) model.delete(seq);
          expect(taken).toEqual(expected);
          expect(window.size).toBe(model.size);
          expect([...window.entries()].map(([seq]) => seq)).toEqual([...model.keys()]);
        }
        expect(window.clear()).toEqual([...model.values()]);
        expect(window.next).toBe(1);
      }),
      { numRuns: 500 },
    );
  });

  it('forgets what is confirmed, over many messages', () => {
    const window = new ConfirmWindow<{ seq: number }>();
    for (let seq = 1; seq <= 50_000; seq++) {
      window.push({ seq });
      if (seq > 100) window.take(seq - 100, false, () => {});
    }
    expect(window.size).toBe(100);
    expect([...window.entries()].at(0)?.[0]).toBe(49_901);
  });
});

describe('deadlines', () => {
  it('go off once each, by one timer', () => {
    const clock = handClock();
    const waiting = [50, 20, 90, 20];
    const ended: number[] = [];
    const deadlines = new Deadlines(clock, (now) => {
      for (const at of waiting.filter((d) => d <= now)) {
        ended.push(at);
        waiting.splice(waiting.indexOf(at), 1);
      }
      return Math.min(Number.POSITIVE_INFINITY, ...waiting);
    });
    for (const at of [...waiting]) deadlines.add(at);
    clock.turn(19);
    expect(ended).toEqual([]);
    clock.turn(1);
    expect(ended).toEqual([20, 20]);
    clock.turn(100);
    expect(ended).toEqual([20, 20, 50, 90]);
  });
});

describe('publishes in flight', () => {
  const limits = { maxInFlight: 100, maxInFlightBytes: 1000 };
  const returned = (body: string, over = {}) =>
    [
      { replyCode: 312, replyText: 'NO_ROUTE', exchange: 'x', routingKey: 'k', ...over },
      {
        contentType: undefined,
        contentEncoding: undefined,
        headers: {},
        properties: {},
        table: undefined,
        broken: undefined,
      },
      Buffer.from(body),
    ] as const;
  const flight = (...all: Pending[]): InFlight => {
    const it = new InFlight(limits, handClock());
    for (const one of all) {
      one.sent = true;
      it.wrote(one);
    }
    return it;
  };

  it('a return fails the mandatory publish with the same route and bytes, and no other', async () => {
    const all = [
      pending('a', { mandatory: true }),
      pending('b'),
      pending('b', { mandatory: true, routingKey: 'other' }),
      pending('b', { mandatory: true }),
      pending('c', { mandatory: true }),
    ];
    const it = flight(...all);
    expect(it.returned(...returned('b'))).toBe(true);
    it.confirmed(5, true, true);
    expect(await Promise.all(all.map(outcome))).toEqual(['done', 'done', 'done', 'ERR_KOMBU_NO_ROUTE', 'done']);
  });

  it('one that cannot be told from one in flight has to wait; one that differs in anything does not', () => {
    const it = flight(pending('same', { mandatory: true }, undefined, { messageId: 'a' }));
    const twin = (over: Partial<Route>, messageId: string, table?: Buffer): boolean => {
      const { message, route } = pending('same', { mandatory: true, ...over }, undefined, { messageId });
      return it.hasTwin(new Pending(message, route, undefined, table));
    };
    expect(twin({}, 'a')).toBe(true);
    expect(twin({ mandatory: false }, 'a')).toBe(false);
    expect(twin({}, 'b')).toBe(false);
    expect(twin({ exchange: 'y' }, 'a')).toBe(false);
    expect(it.hasTwin(pending('samE', { mandatory: true }, undefined, { messageId: 'a' }))).toBe(false);
    it.confirmed(1, false, true);
    expect(twin({}, 'a')).toBe(false);
  });

  it('of publishes with equal bytes a return is for the one with the same properties and headers', async () => {
    const tables = ['a', 'a', 'b'].map((text) => Buffer.from(text));
    const all = ['m', 'n', 'm'].map((messageId, i) => {
      const { message, route } = pending('same', { mandatory: true }, undefined, { messageId });
      return new Pending(message, route, undefined, tables[i]);
    });
    const it = flight(...all);
    const [method, header, body] = returned('same');
    expect(it.hasTwin(all[2] as Pending)).toBe(true);
    it.returned(method, { ...header, properties: { messageId: 'm' }, table: Buffer.from('b') }, body);
    it.confirmed(0, true, true);
    expect(await Promise.all(all.map(outcome))).toEqual(['done', 'done', 'ERR_KOMBU_NO_ROUTE']);
  });

  it('a return that nobody published is not taken for another', () => {
    expect(flight(pending('a', { mandatory: true })).returned(...returned('z'))).toBe(false);
  });

  it('one that has timed out counts until the broker answers', async () => {
    const clock = handClock();
    const it = new InFlight({ maxInFlight: 2, maxInFlightBytes: 1000 }, clock);
    const sent = pending('a', {}, 10);
    sent.sent = true;
    it.wrote(sent);
    it.hold(pending('b', {}, 10));
    const held = it.held[0] as Pending;
    clock.turn(10);
    await expect(sent.promise).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'maybe' });
    await expect(held.promise).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'no' });
    expect(it.held).toHaveLength(0);
    expect(it.unconfirmed).toBe(1);
    expect(it.refuse(1)).toBeUndefined();
    it.hold(pending('c'));
    expect(KombuError.is(it.refuse(1), 'ERR_KOMBU_BUFFER_FULL')).toBe(true);
    it.confirmed(1, false, true);
    expect(it.refuse(1)).toBeUndefined();
  });

  it('bytes are bounded, but one message always may', () => {
    const it = flight();
    expect(it.refuse(5000)).toBeUndefined();
    it.wrote(pending('x'.repeat(600)));
    expect(it.refuse(400)).toBeUndefined();
    expect(KombuError.is(it.refuse(401), 'ERR_KOMBU_BUFFER_FULL')).toBe(true);
    it.confirmed(1, false, true);
    expect(it.refuse(5000)).toBeUndefined();
  });

  it('a nack fails the publish as something to try again', async () => {
    const it = pending('a');
    flight(it).confirmed(1, false, false);
    await expect(it.promise).rejects.toMatchObject({ code: 'ERR_KOMBU_NACKED', retryable: true });
  });
});

describe('the publish that the broker closed the channel over', () => {
  const all = [
    pending('1'.repeat(5), { exchange: 'a' }),
    pending('1'.repeat(7), { exchange: 'b' }, undefined, { userId: 'bob', expiration: '-5' }),
    pending('1'.repeat(9), { exchange: 'c' }),
    pending('1', { exchange: '' }, undefined, { deliveryMode: 7 as 1 }),
    pending('1', { exchange: 'a' }, undefined, {}, { CC: ['right'] }),
    pending('1', { exchange: 'a' }, undefined, {}, { CC: 'wrong' }),
  ];
  it.each([
    ["NOT_FOUND - no exchange 'b' in vhost '/'", 1],
    ["ACCESS_REFUSED - access to exchange 'c' in vhost '/' refused for user 'guest'", 2],
    ["PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was 'guest'", 1],
    ["PRECONDITION_FAILED - invalid expiration '-5': {value_negative,-5}", 1],
    ['PRECONDITION_FAILED - message size 9 is larger than configured max size 8', 2],
    ["ACCESS_REFUSED - access to exchange 'amq.default' in vhost '/' refused for user 'guest'", 3],
    ['PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,7}', 3],
    ['PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"CC",longstr}', 5],
    ['INTERNAL_ERROR - whatever', -1],
  ])('is found by %s', (text, at) => {
    expect(all.indexOf(refusedPublish(all, text) as Pending)).toBe(at);
  });

  it('is the only one there is, whatever the broker says', () => {
    const [only] = all;
    expect(refusedPublish([only as Pending], 'PRECONDITION_FAILED - something new')).toBe(only);
  });
});

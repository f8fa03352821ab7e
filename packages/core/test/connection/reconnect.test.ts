import { describe, expect, it } from '@jest/globals';
import type { Revival } from '../../src/index.js';
import {
  ChannelError,
  Connection,
  type Delivery,
  KombuError,
  OperationalError,
  StaleDeliveryError,
} from '../../src/index.js';
import { bindingSpec, consumeRequest, exchangeSpec, Lab, lost, queueSpec } from './support/lab.js';
import { ManualClock, settle } from './support/manual-clock.js';

const DELAYS = { intervalStartMs: 1000, intervalStepMs: 1000, intervalMaxMs: 4000, jitter: false };

function setUp(url = 'lab://a', over: object = {}, lab = new Lab()) {
  const clock = new ManualClock();
  const connection = new Connection(url, { transport: lab.transport, clock, reconnect: DELAYS, ...over });
  return { lab, clock, connection };
}

function subscriber() {
  const got: string[] = [];
  return {
    got,
    deliver: (d: Delivery) => void got.push(d.body.toString()),
    cancelledByBroker: (error: KombuError) => void got.push(error.code),
    linkLost: () => void got.push('lost'),
    revived: () => void got.push('revived'),
  };
}

describe('a lost link', () => {
  it('is replaced, with everything on it in its order: declarations, consumers, then publishes that waited', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    const consuming = connection.channel();
    await channel.declareExchange(exchangeSpec('b'));
    await channel.declareExchange(exchangeSpec('a'));
    await channel.declareQueue(queueSpec('q'));
    await channel.bindQueue(bindingSpec('a', 'q', 'k'));
    await channel.bindExchange({ source: 'b', destination: 'a', routingKey: '', arguments: {} });
    await channel.declareQueue(queueSpec('looked-for', { passive: true })).catch(() => {});
    const handler = subscriber();
    await consuming.consume(consumeRequest('q', 'tag'), handler);
    const revived: Revival[] = [];
    connection.on('revived', (r) => revived.push({ ...r, failed: [...r.failed] }));

    lab.log.length = 0;
    lab.cut();
    await clock.advance(0);
    expect(connection.state).toBe('connected');
    expect(lab.log).toEqual([
      'dial a',
      'declareExchange b',
      'declareExchange a',
      'bindExchange b -> a',
      'declareQueue q',
      'bindQueue a -> q (k)',
      'channel.close',
      'consume q tag',
    ]);
    expect(revived).toEqual([
      {
        generation: 2,
        exchanges: ['b', 'a'],
        queues: ['q'],
        bindings: 2,
        renamed: [],
        consumers: ['tag'],
        failed: [],
      },
    ]);
    lab.deliver('tag', 'again');
    expect(handler.got).toEqual(['lost', 'revived', 'again']);
    expect(channel.generation).toBe(2);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('is tried for again and again, with the waits of the policy', async () => {
    const { lab, clock, connection } = setUp();
    const told: [number, number][] = [];
    connection.on('reconnecting', ({ attempt, delayMs }) => told.push([attempt, delayMs]));
    await connection.connect();
    lab.hosts.set('a', 'refused');
    await clock.advance(10_000);
    lab.cut();
    await clock.advance(1000 + 2000 + 3000 + 4000 + 5000);
    expect(connection.state).toBe('reconnecting');
    lab.hosts.clear();
    await clock.advance(5000);
    expect(connection.state).toBe('connected');
    expect(told).toEqual([
      [1, 0],
      [2, 1000],
      [3, 2000],
      [4, 3000],
      [5, 4000],
      [6, 5000],
      [7, 5000],
    ]);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('is waited for at random, within the bounds of the policy, when there is jitter', async () => {
    const { lab, clock, connection } = setUp('lab://a', { reconnect: { ...DELAYS, jitter: true } });
    const told: number[] = [];
    connection.on('reconnecting', ({ delayMs }) => told.push(delayMs));
    await connection.connect();
    lab.hosts.set('a', 'refused');
    lab.cut();
    await clock.advance(200_000);
    expect(told.length).toBeGreaterThan(20);
    for (const [n, delay] of told.entries()) {
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(Math.min(4000, 1000 * 2 ** n));
    }
    expect(new Set(told).size).toBe(told.length);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('is replaced at the next broker of the list first', async () => {
    const { lab, clock, connection } = setUp('lab://a;lab://b;lab://c');
    await connection.connect();
    lab.hosts.set('b', 'refused');
    lab.cut();
    await clock.advance(0);
    expect(lab.log).toEqual(['dial a', 'dial b', 'dial c']);
    expect(connection.host).toBe('c');
    await connection.close();
  });

  it('is not asked for over and over at a broker that hangs up on everybody', async () => {
    const { lab, clock, connection } = setUp();
    await connection.connect();
    lab.hosts.set('a', 'hangs-up');
    lab.cut();
    await clock.advance(60_000);
    expect(lab.links.length).toBeLessThan(20);
    await connection.close();
  });

  it('is given up when the policy says so: what waits fails, consumers end, and the next use connects anew', async () => {
    const { lab, clock, connection } = setUp('lab://a', { reconnect: { ...DELAYS, maxRetries: 2 } });
    const errors: KombuError[] = [];
    connection.on('error', (error) => errors.push(error));
    const channel = connection.channel();
    const handler = subscriber();
    await channel.declareQueue(queueSpec('q'));
    await channel.consume(consumeRequest('q', 'tag'), handler);
    lab.hosts.set('a', 'refused');
    lab.cut();
    await clock.advance(0);
    const waiting = channel.purgeQueue('q').catch((e: unknown) => e);
    await clock.advance(1000 + 2000);
    expect(connection.state).toBe('idle');
    expect(lab.log.filter((line) => line === 'dial a')).toHaveLength(1 + 3);
    expect(await waiting).toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED' });
    expect(handler.got).toEqual(['lost', 'ERR_KOMBU_CONNECT_REFUSED']);
    expect(errors).toMatchObject([{ code: 'ERR_KOMBU_CONNECT_REFUSED' }]);
    lab.hosts.clear();
    expect(await channel.purgeQueue('q')).toBe(7);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('is given up at the deadline of the policy, and when its signal is aborted', async () => {
    for (const way of ['deadline', 'signal'] as const) {
      const controller = new AbortController();
      const end = way === 'deadline' ? { timeoutMs: 2500 } : { signal: controller.signal };
      const { lab, clock, connection } = setUp('lab://a', { reconnect: { ...DELAYS, ...end } });
      await connection.connect();
      lab.hosts.set('a', 'silent');
      lab.cut();
      await clock.advance(2499);
      expect(connection.state).toBe('reconnecting');
      if (way === 'deadline') await clock.advance(1);
      else controller.abort();
      await settle();
      expect(connection.state).toBe('idle');
      await connection.close();
      expect(clock.running).toBe(0);
    }
  });

  it('is given up when every broker refuses the credentials', async () => {
    const { lab, clock, connection } = setUp('lab://a;lab://b');
    await connection.connect();
    lab.hosts.set('a', 'unauthorized').set('b', 'refused');
    lab.cut();
    await clock.advance(3000);
    expect(connection.state).toBe('reconnecting');
    expect(lab.log.filter((line) => line === 'dial a')).toHaveLength(2);
    lab.hosts.set('b', 'unauthorized');
    await clock.advance(10_000);
    expect(connection.state).toBe('idle');
    await connection.close();
  });

  it('is not replaced where the connection was told not to', async () => {
    const { lab, clock, connection } = setUp('lab://a', { reconnect: false });
    const channel = connection.channel();
    const handler = subscriber();
    await channel.consume(consumeRequest('q', 'tag'), handler);
    lab.cut();
    await clock.advance(0);
    expect(connection.state).toBe('idle');
    expect(handler.got).toEqual(['lost', 'ERR_KOMBU_CONNECTION_LOST']);
    await connection.close();
  });

  it('ends the calls that were on their way, and lets later ones wait', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    await channel.open();
    const open = lab.hold('purgeQueue q');
    const cut = channel.purgeQueue('q').catch((e: unknown) => e);
    await settle();
    lab.cut();
    await clock.advance(0);
    const later = channel.purgeQueue('p');
    open();
    expect(await cut).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST', retryable: true });
    expect(await later).toBe(7);
    await connection.close();
  });

  it('lost again while everything is being put in place is replaced again', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    await channel.declareQueue(queueSpec('q'));
    const open = lab.hold('declareQueue q');
    lab.cut();
    await clock.advance(0);
    expect(connection.state).toBe('reconnecting');
    lab.cut();
    open();
    await clock.advance(1000);
    expect(connection.state).toBe('connected');
    expect(lab.links).toHaveLength(3);
    expect(connection.channel().generation).toBe(0);
    expect(channel.generation).toBe(3);
    await connection.close();
  });

  it('comes back without what the broker refuses, which is told, and its consumer ends', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    await channel.declareQueue(queueSpec('q'));
    await channel.declareQueue(queueSpec('r'));
    const [q, r] = [subscriber(), subscriber()];
    await channel.consume(consumeRequest('q', 'q-tag'), q);
    await channel.consume(consumeRequest('r', 'r-tag'), r);
    const revived: Revival[] = [];
    connection.on('revived', (revival) => revived.push(revival));
    lab.refusals.set('declareQueue q', new ChannelError('PRECONDITION_FAILED', 'other arguments'));
    lab.refusals.set('consume q q-tag', new ChannelError('NOT_FOUND', 'no queue'));
    lab.cut();
    await clock.advance(0);
    expect(revived[0]?.failed.map(({ kind, name, error }) => [kind, name, error.code])).toEqual([
      ['queue', 'q', 'ERR_KOMBU_PRECONDITION_FAILED'],
      ['consumer', 'q-tag', 'ERR_KOMBU_NOT_FOUND'],
    ]);
    expect(revived[0]?.consumers).toEqual(['r-tag']);
    expect(q.got).toEqual(['lost', 'ERR_KOMBU_NOT_FOUND']);
    expect(r.got).toEqual(['lost', 'revived']);
    await connection.close();
  });

  it('forgets consumers that were cancelled, and what went away with them', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    await channel.declareQueue(queueSpec('auto', { autoDelete: true }));
    await channel.consume(consumeRequest('auto', 't'), subscriber());
    await channel.consume(consumeRequest('auto', 'u'), subscriber());
    await channel.cancel('t');
    lab.log.length = 0;
    lab.cut();
    await clock.advance(0);
    expect(lab.log).toEqual(['dial a', 'declareQueue auto', 'channel.close', 'consume auto u']);
    await channel.cancel('u');
    lab.log.length = 0;
    lab.cut();
    await clock.advance(1000);
    expect(lab.log).toEqual(['dial a']);
    await connection.close();
  });

  it('drops what a dead link still delivers, unless it counts as settled', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    const [acked, unacked] = [subscriber(), subscriber()];
    await channel.consume(consumeRequest('q', 'a'), acked);
    await channel.consume(consumeRequest('q', 'b', { noAck: true }), unacked);
    const old = lab.link.channels.find((c) => c.consumers.has('a'));
    const deliver = (tag: string) => old?.consumers.get(tag)?.deliver;
    lab.cut();
    await clock.advance(0);
    for (const tag of ['a', 'b']) deliver(tag)?.({ body: Buffer.from('late'), properties: {}, queue: 'q' } as never);
    expect(acked.got).toEqual(['lost', 'revived']);
    expect(unacked.got).toEqual(['lost', 'revived', 'late']);
    await connection.close();
  });
});

describe('what the broker still keeps for a link that is dead', () => {
  const locked = new ChannelError('RESOURCE_LOCKED', "somebody else's");

  it('comes back once the broker has noticed', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    const handlers = [subscriber(), subscriber()] as const;
    await channel.declareQueue(queueSpec('mine', { exclusive: true }));
    await channel.bindQueue(bindingSpec('x', 'mine', 'k'));
    await channel.consume(consumeRequest('mine', 't'), handlers[0]);
    await channel.consume(consumeRequest('q', 'u', { exclusive: true }), handlers[1]);
    lab.refusals.set('declareQueue mine', locked).set('bindQueue x -> mine (k)', locked);
    lab.refusals.set('consume mine t', new ChannelError('NOT_FOUND', 'no queue'));
    lab.refusals.set('consume q u', new ChannelError('ACCESS_REFUSED', 'exclusive'));
    const revived: Revival[] = [];
    connection.on('revived', (revival) => revived.push(revival));
    lab.cut();
    await clock.advance(20_000);
    expect(handlers.map(({ got }) => got)).toEqual([['lost'], ['lost']]);
    expect(revived.map(({ failed }) => failed.length)).toEqual([4]);
    lab.refusals.clear();
    await clock.advance(15_000);
    expect(handlers.map(({ got }) => got)).toEqual([
      ['lost', 'revived'],
      ['lost', 'revived'],
    ]);
    expect(revived[1]).toMatchObject({ generation: 2, queues: ['mine'], consumers: ['t', 'u'], failed: [] });
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('ends after some minutes, and at once when the consumer is cancelled', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    const [waits, cancelled] = [subscriber(), subscriber()];
    await channel.consume(consumeRequest('q', 'waits'), waits);
    await channel.consume(consumeRequest('q', 'cancelled'), cancelled);
    lab.refusals.set('consume q waits', locked).set('consume q cancelled', locked);
    lab.cut();
    await clock.advance(5000);
    await channel.cancel('cancelled');
    await clock.advance(330_000);
    expect(cancelled.got).toEqual(['lost']);
    expect(waits.got).toEqual(['lost', 'ERR_KOMBU_RESOURCE_LOCKED']);
    const asked = lab.log.length;
    await clock.advance(100_000);
    expect(lab.log.length).toBe(asked);
    await connection.close();
  });

  it('is left to the next link when this one is lost, too', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    const handler = subscriber();
    await channel.consume(consumeRequest('q', 't'), handler);
    lab.refusals.set('consume q t', locked);
    lab.cut();
    await clock.advance(500);
    lab.refusals.clear();
    lab.cut();
    await clock.advance(1000);
    expect(handler.got).toEqual(['lost', 'lost', 'revived']);
    await connection.close();
    expect(clock.running).toBe(0);
  });
});

describe('a server-named queue', () => {
  it('comes back under a new name, and bindings, consumers and calls follow', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    const { queue } = await channel.declareQueue(queueSpec('', { exclusive: true }));
    expect(queue).toBe('gen-1');
    await channel.bindQueue(bindingSpec('x', queue, 'k'));
    await channel.consume(consumeRequest(queue, 't'), subscriber());
    const revived: Revival[] = [];
    connection.on('revived', (revival) => revived.push(revival));
    lab.log.length = 0;
    lab.cut();
    await clock.advance(0);
    expect(lab.log).toEqual([
      'dial a',
      'declareQueue gen-1 passive',
      'declareQueue (server-named)',
      'bindQueue x -> gen-2 (k)',
      'channel.close',
      'consume gen-2 t',
    ]);
    expect(revived[0]).toMatchObject({ renamed: [{ from: 'gen-1', to: 'gen-2' }], queues: ['gen-2'], failed: [] });
    lab.log.length = 0;
    await channel.purgeQueue('gen-1');
    await channel.deleteQueue('gen-1');
    expect(lab.log).toEqual(['purgeQueue gen-2', 'deleteQueue gen-2']);
    await connection.close();
  });

  it('that is still there keeps its name, for it may hold messages', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    const { queue } = await channel.declareQueue(queueSpec(''));
    lab.survivors.add(queue);
    lab.log.length = 0;
    lab.cut();
    await clock.advance(0);
    expect(lab.log).toEqual(['dial a', 'declareQueue gen-1 passive', 'channel.close']);
    await connection.close();
  });
});

describe('settling while there is no link', () => {
  const d = { deliveryTag: 'd', consumerTag: 't', queue: 'q' } as Delivery;

  it('is StaleDeliveryError where a delivery dies with its link', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    await channel.open();
    lab.hosts.set('a', 'refused');
    lab.cut();
    await clock.advance(0);
    expect(() => channel.settle(d, 'ack')).toThrow(StaleDeliveryError);
    await connection.close();
  });

  it('is done on the next link where a delivery outlives its own', async () => {
    const { lab, clock, connection } = setUp('lab://a', {}, new Lab({}, { settleAfterReconnect: true }));
    const channel = connection.channel();
    await channel.open();
    lab.hosts.set('a', 'refused');
    lab.cut();
    await clock.advance(0);
    expect(channel.settle(d, 'ack')).toBeUndefined();
    const confirmed = channel.settle({ ...d, deliveryTag: 'e' }, 'requeue', { confirm: true });
    lab.hosts.clear();
    await clock.advance(1000);
    await confirmed;
    expect(lab.settled).toEqual(['ack d', 'requeue e']);
    await connection.close();
  });

  it('is told as failed when there is no next link', async () => {
    const { lab, clock, connection } = setUp(
      'lab://a',
      { reconnect: { maxRetries: 0 } },
      new Lab({}, { settleAfterReconnect: true }),
    );
    const channel = connection.channel();
    const failed: string[] = [];
    await channel.consume(consumeRequest('q', 't'), {
      deliver() {},
      settleFailed: (delivery, error) => void failed.push(`${delivery.deliveryTag} ${error.code}`),
    });
    lab.hosts.set('a', 'silent');
    lab.cut();
    await clock.advance(0);
    channel.settle(d, 'ack');
    await connection.close();
    expect(failed).toEqual(['d ERR_KOMBU_CLOSED']);
  });
});

describe('a channel that the broker closes', () => {
  it('is opened again on the same link, with its consumers, after a growing wait', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    const handler = subscriber();
    await channel.consume(consumeRequest('q', 't'), handler);
    const warnings: string[] = [];
    connection.on('warning', (error) => warnings.push(error.code));
    for (let i = 0; i < 3; i++) {
      lab.link.channels.at(-1)?.end(new ChannelError('PRECONDITION_FAILED', 'consumer timeout'));
      await clock.advance(1000);
    }
    expect(lab.links).toHaveLength(1);
    expect(lab.log.filter((line) => line === 'consume q t')).toHaveLength(4);
    expect(warnings).toEqual(Array(3).fill('ERR_KOMBU_PRECONDITION_FAILED'));
    lab.deliver('t', 'x');
    expect(handler.got.at(-1)).toBe('x');
    await connection.close();
    expect(clock.running).toBe(0);
  });
});

it('an unusual driver error counts as a lost link', async () => {
  const { lab, clock, connection } = setUp();
  await connection.connect();
  const seen: unknown[] = [];
  connection.on('disconnected', ({ error }) => seen.push(error));
  lab.cut(new OperationalError('BROKER_BUSY', 'READONLY'));
  await clock.advance(0);
  expect(seen).toMatchObject([{ code: 'ERR_KOMBU_BROKER_BUSY' }]);
  expect(connection.connected).toBe(true);
  expect(lost()).toBeInstanceOf(KombuError);
  await connection.close();
});

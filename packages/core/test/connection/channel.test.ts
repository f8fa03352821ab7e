import { describe, expect, it } from '@jest/globals';
import {
  AbortedError,
  ChannelError,
  Connection,
  type Delivery,
  InvalidOptionError,
  NotSupportedError,
  TimeoutError,
} from '../../src/index.js';
import { bindingSpec, consumeRequest, delivery, exchangeSpec, Lab, queueSpec } from './support/lab.js';
import { ManualClock, settle } from './support/manual-clock.js';

function setUp() {
  const lab = new Lab();
  const clock = new ManualClock();
  const connection = new Connection('lab://a', { transport: lab.transport, clock });
  return { lab, clock, connection, channel: connection.channel() };
}

describe('a channel', () => {
  it('passes every operation on, in the order of the calls', async () => {
    const { lab, connection, channel } = setUp();
    expect([channel.state, channel.generation, channel.id]).toEqual(['idle', 0, 1]);
    await channel.open();
    expect([channel.state, channel.generation, channel.connection]).toEqual(['open', 1, connection]);
    const binding = bindingSpec('x', 'q', 'k');
    const between = { source: 'x', destination: 'y', routingKey: '', arguments: {} };
    await Promise.all([
      channel.declareExchange(exchangeSpec('x')),
      channel.declareQueue(queueSpec('q')),
      channel.bindQueue(binding),
      channel.bindExchange(between),
      channel.unbindQueue(binding),
      channel.purgeQueue('q'),
      channel.deleteQueue('q'),
      channel.deleteExchange('x'),
    ]);
    expect(lab.log).toEqual([
      'dial a',
      'declareExchange x',
      'declareQueue q',
      'bindQueue x -> q (k)',
      'bindExchange x -> y',
      'unbindQueue x -> q (k)',
      'purgeQueue q',
      'deleteQueue q',
      'deleteExchange x',
    ]);
    await connection.close();
  });

  it('says what the transport has not', async () => {
    const { connection, channel } = setUp();
    await expect(
      channel.unbindExchange({ source: 'x', destination: 'y', routingKey: '', arguments: {} }),
    ).rejects.toThrow(NotSupportedError);
    await expect(channel.recover({ requeue: true })).rejects.toThrow(NotSupportedError);
    await expect(channel.setChannelPrefetch(1)).rejects.toThrow(NotSupportedError);
    await connection.close();
  });

  it('goes on after an error, which ends its own operation only', async () => {
    const { lab, connection, channel } = setUp();
    const got: string[] = [];
    await channel.consume(consumeRequest('q', 't'), { deliver: (d) => void got.push(d.body.toString()) });
    lab.refusals.set('declareQueue x', new ChannelError('PRECONDITION_FAILED', 'no'));
    await expect(channel.declareQueue(queueSpec('x'))).rejects.toThrow(ChannelError);
    lab.deliver('t', 'still here');
    expect(got).toEqual(['still here']);
    await connection.close();
  });

  it('ends each operation at its deadline or when it is aborted, whatever the transport does', async () => {
    const { lab, clock, connection, channel } = setUp();
    await channel.open();
    lab.hold('purgeQueue q');
    const late = channel.purgeQueue('q', { timeoutMs: 10 }).catch((e: unknown) => e);
    const controller = new AbortController();
    const aborted = channel.purgeQueue('q', { signal: controller.signal }).catch((e: unknown) => e);
    await clock.advance(10);
    controller.abort();
    expect(await late).toBeInstanceOf(TimeoutError);
    expect(await aborted).toBeInstanceOf(AbortedError);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('gives a message back that came after the call for it had ended', async () => {
    const { lab, clock, connection, channel } = setUp();
    await channel.open();
    const open = lab.hold('get q');
    const late = channel.get('q', { timeoutMs: 10 }).catch((e: unknown) => e);
    const noAck = channel.get('q', { timeoutMs: 10, noAck: true }).catch((e: unknown) => e);
    await clock.advance(10);
    expect(await late).toBeInstanceOf(TimeoutError);
    await noAck;
    open();
    await settle();
    expect(lab.settled).toEqual(['release got']);
    expect((await channel.get('q'))?.deliveryTag).toBe('got');
    await connection.close();
  });

  it('remembers what was declared on the current link', async () => {
    const { lab, clock, connection, channel } = setUp();
    channel.markDeclared('x');
    expect(channel.isDeclared('x')).toBe(false);
    await channel.open();
    channel.markDeclared('x');
    expect(connection.channel().isDeclared('x')).toBe(true);
    lab.cut();
    await clock.advance(1000);
    expect(channel.isDeclared('x')).toBe(false);
    await connection.close();
  });
});

describe('a consumer of a channel', () => {
  it('has a tag of its own', async () => {
    const { connection, channel } = setUp();
    await channel.consume(consumeRequest('q', 't'), { deliver() {} });
    await expect(channel.consume(consumeRequest('q', 't'), { deliver() {} })).rejects.toThrow(InvalidOptionError);
    await channel.cancel('t');
    await channel.cancel('t');
    await channel.consume(consumeRequest('q', 't'), { deliver() {} });
    await connection.close();
  });

  it('that is refused is forgotten', async () => {
    const { lab, clock, connection, channel } = setUp();
    lab.refusals.set('consume q t', new ChannelError('ACCESS_REFUSED', 'no'));
    await expect(channel.consume(consumeRequest('q', 't'), { deliver() {} })).rejects.toThrow(ChannelError);
    lab.log.length = 0;
    lab.cut();
    await clock.advance(1000);
    expect(lab.log).toEqual(['dial a']);
    await connection.close();
  });

  it('that is started too late is cancelled', async () => {
    const { lab, clock, connection, channel } = setUp();
    await channel.open();
    const open = lab.hold('consume q t');
    const late = channel
      .consume(consumeRequest('q', 't'), { deliver() {} }, { timeoutMs: 10 })
      .catch((e: unknown) => e);
    await clock.advance(10);
    expect(await late).toBeInstanceOf(TimeoutError);
    const cancel = lab.hold('cancel t');
    open();
    await settle();
    lab.deliver('t', 'early');
    cancel();
    await settle();
    expect(lab.log.at(-1)).toBe('cancel t');
    expect(lab.settled).toEqual(['release early']);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('is told that the broker has ended it, and not asked again', async () => {
    const { lab, clock, connection, channel } = setUp();
    const ended: string[] = [];
    await channel.consume(consumeRequest('q', 't'), {
      deliver() {},
      cancelledByBroker: ({ code }) => void ended.push(code),
    });
    const events = lab.link.channels.find((c) => c.consumers.has('t'))?.events;
    events?.cancelledByBroker('t', new ChannelError('NOT_FOUND', 'the queue was deleted'));
    events?.cancelledByBroker('t', new ChannelError('NOT_FOUND', 'the queue was deleted'));
    expect(ended).toEqual(['ERR_KOMBU_NOT_FOUND']);
    lab.log.length = 0;
    lab.cut();
    await clock.advance(1000);
    expect(lab.log).toEqual(['dial a']);
    await connection.close();
  });

  it('whose subscriber throws tells the connection, and goes on', async () => {
    const { lab, connection, channel } = setUp();
    const errors: unknown[] = [];
    connection.on('error', ({ cause }) => errors.push(cause));
    const got: string[] = [];
    const broken = new Error('broken');
    await channel.consume(consumeRequest('q', 't'), {
      deliver(d: Delivery) {
        got.push(d.body.toString());
        if (got.length === 1) throw broken;
      },
    });
    lab.deliver('t', '1');
    lab.deliver('t', '2');
    expect(got).toEqual(['1', '2']);
    expect(errors).toEqual([broken]);
    await connection.close();
  });

  it('is started again to change its prefetch where the transport cannot otherwise, and keeps it on the next link', async () => {
    const { lab, clock, connection, channel } = setUp();
    await channel.consume(consumeRequest('q', 't', { prefetch: 1 }), { deliver() {} });
    await channel.setPrefetch('t', 9);
    expect(lab.log.slice(-3)).toEqual(['consume q t', 'cancel t', 'consume q t']);
    const prefetch = () =>
      lab.link.channels.map((c) => c.consumers.get('t')?.request.prefetch).find((n) => n !== undefined);
    expect(prefetch()).toBe(9);
    lab.cut();
    await clock.advance(1000);
    expect(prefetch()).toBe(9);
    await expect(channel.setPrefetch('unknown', 1)).rejects.toThrow(InvalidOptionError);
    await connection.close();
  });

  it('hears of failed settlements; those of nobody are errors of the connection', async () => {
    const { lab, connection, channel } = setUp();
    const told: string[] = [];
    connection.on('error', ({ code }) => told.push(`connection ${code}`));
    connection.on('warning', ({ code }) => told.push(`warning ${code}`));
    await channel.consume(consumeRequest('q', 't'), {
      deliver() {},
      settleFailed: (d, { code }) => void told.push(`${d.deliveryTag} ${code}`),
    });
    const events = lab.link.channels.find((c) => c.consumers.has('t'))?.events;
    const why = new ChannelError('NOT_FOUND', 'x');
    events?.settleFailed(delivery('mine', 'q', 't'), why);
    events?.settleFailed(delivery('whose', 'q', 'u'), why);
    events?.warning(why);
    expect(told).toEqual(['mine ERR_KOMBU_NOT_FOUND', 'connection ERR_KOMBU_NOT_FOUND', 'warning ERR_KOMBU_NOT_FOUND']);
    await connection.close();
  });

  it('leaves returned messages to those who listen', async () => {
    const { lab, connection, channel } = setUp();
    await channel.open();
    const texts: string[] = [];
    const stop = channel.onReturned(({ replyText }) => void texts.push(replyText));
    const { events } = lab.link.channels[0] as (typeof lab.link.channels)[0];
    const returned = { replyCode: 312, exchange: '', routingKey: '', message: delivery('x', 'q') };
    events.returned({ ...returned, replyText: 'one' });
    stop();
    events.returned({ ...returned, replyText: 'two' });
    expect(texts).toEqual(['one']);
    await connection.close();
  });
});

describe('drainEvents', () => {
  it('resolves for a delivery since the last time, else at the next one, else ends at its deadline', async () => {
    const { lab, clock, connection, channel } = setUp();
    await channel.consume(consumeRequest('q', 't'), { deliver() {} });
    lab.deliver('t', '1');
    lab.deliver('t', '2');
    await connection.drainEvents();
    const late = connection.drainEvents({ timeoutMs: 10 }).catch((e: unknown) => e);
    await clock.advance(10);
    expect(await late).toBeInstanceOf(TimeoutError);
    const both = [connection.drainEvents(), connection.drainEvents({ timeoutMs: 1000 })];
    lab.deliver('t', '3');
    await Promise.all(both);
    lab.deliver('t', '4');
    await channel.consume(consumeRequest('q', 'u'), { deliver() {} });
    const since = connection.drainEvents({ timeoutMs: 10 }).catch((e: unknown) => e);
    await clock.advance(10);
    expect(await since).toBeInstanceOf(TimeoutError);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('ends when the link is not replaced', async () => {
    const lab = new Lab();
    const connection = new Connection('lab://a', { transport: lab.transport, reconnect: false });
    await connection.connect();
    const waiting = connection.drainEvents().catch((e: unknown) => e);
    lab.cut();
    expect(await waiting).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
    await connection.close();
  });
});

describe('the process', () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  it('is kept alive by consuming and by waiting, and not by an idle connection', async () => {
    const lab = new Lab();
    const connection = new Connection('lab://a', { transport: lab.transport });
    const channel = connection.channel();
    await channel.declareQueue(queueSpec('q'));
    const idle = timers();
    await channel.consume(consumeRequest('q', 't'), { deliver() {} });
    expect(timers()).toBe(idle + 1);
    await channel.consume(consumeRequest('q', 'u'), { deliver() {} });
    await channel.cancel('u');
    expect(timers()).toBe(idle + 1);
    await channel.cancel('t');
    expect(timers()).toBe(idle);
    const waiting = connection.drainEvents().catch(() => {});
    expect(timers()).toBe(idle + 1);
    await connection.close();
    await waiting;
    expect(timers()).toBe(idle);
  });

  it('is not kept alive by a connection that reconnects for nobody', async () => {
    const lab = new Lab();
    const connection = new Connection('lab://a', { transport: lab.transport });
    await connection.connect();
    const idle = timers();
    lab.hosts.set('a', 'refused');
    lab.cut();
    await settle();
    expect(connection.state).toBe('reconnecting');
    // A timer that an earlier case has left may end meanwhile.
    expect(timers()).toBeLessThanOrEqual(idle);
    await connection.close();
  });
});

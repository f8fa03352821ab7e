import { describe, expect, it } from '@jest/globals';
import {
  AbortedError,
  AuthenticationError,
  ClosedError,
  Connection,
  InvalidOptionError,
  KombuError,
  OperationalError,
  TimeoutError,
} from '../../src/index.js';
import { consumeRequest, Lab, queueSpec } from './support/lab.js';
import { ManualClock, settle } from './support/manual-clock.js';

function connectionTo(lab: Lab, url: string | readonly string[] = 'lab://a', over: object = {}) {
  return new Connection(url, { transport: lab.transport, ...over });
}

describe('connecting', () => {
  it('does nothing before it is asked to', async () => {
    const lab = new Lab();
    const connection = connectionTo(lab);
    connection.channel();
    connection.producer();
    await settle();
    expect(connection.state).toBe('idle');
    expect(lab.log).toEqual([]);
    await connection.close();
    expect(lab.log).toEqual([]);
  });

  it('happens on connect, once for everybody who asks', async () => {
    const lab = new Lab();
    const connection = connectionTo(lab);
    const all = [connection.connect(), connection.connect(), connection.channel().open()];
    expect(connection.state).toBe('connecting');
    expect(await all[0]).toBe(connection);
    await Promise.all(all);
    expect(connection.connected).toBe(true);
    expect(lab.log).toEqual(['dial a']);
    await connection.close();
  });

  it('happens on first use', async () => {
    const lab = new Lab();
    await using connection = connectionTo(lab);
    await connection.defaultChannel.declareQueue(queueSpec('q'));
    expect(lab.log).toEqual(['dial a', 'declareQueue q']);
  });

  it('tries each URL once, in turn, and stays with the one that answers', async () => {
    const lab = new Lab();
    lab.hosts.set('dead', 'refused');
    await using connection = connectionTo(lab, 'lab://dead;lab://alive;lab://spare');
    await connection.connect();
    expect(lab.log).toEqual(['dial dead', 'dial alive']);
    expect(connection.host).toBe('alive');
  });

  it('takes plain host names in a list, with the scheme of the rest', async () => {
    const lab = new Lab();
    lab.hosts.set('dead', 'refused');
    await using connection = connectionTo(lab, ['lab://dead', 'alive:99']);
    await connection.connect();
    expect(connection.asUri()).toBe('lab://alive:99');
  });

  it('ends in one OperationalError that names every broker, and begins anew the next time', async () => {
    const lab = new Lab();
    for (const host of ['a', 'b']) lab.hosts.set(host, 'refused');
    await using connection = connectionTo(lab, 'lab://a;lab://b');
    const error = await connection.connect().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(OperationalError);
    expect(error).toMatchObject({ message: expect.stringMatching(/a refuses.*b refuses/), retryable: true });
    expect((error as OperationalError).cause).toBeInstanceOf(OperationalError);
    expect(connection.state).toBe('idle');
    lab.hosts.clear();
    await connection.connect();
    expect(lab.log).toEqual(['dial a', 'dial b', 'dial a']);
  });

  it('never tries credentials again that were refused', async () => {
    const lab = new Lab();
    lab.hosts.set('a', 'unauthorized');
    await using connection = connectionTo(lab);
    await expect(connection.connect()).rejects.toThrow(AuthenticationError);
    await expect(connection.ensureConnection({ intervalStartMs: 0 })).rejects.toThrow(AuthenticationError);
    expect(lab.log).toEqual(['dial a', 'dial a']);
  });

  it('gives each URL connectTimeoutMs', async () => {
    const lab = new Lab();
    const clock = new ManualClock();
    lab.hosts.set('silent', 'silent');
    const connection = connectionTo(lab, 'lab://silent;lab://alive', { clock, connectTimeoutMs: 700 });
    const done = connection.connect();
    await clock.advance(699);
    expect(connection.state).toBe('connecting');
    await clock.advance(1);
    await done;
    expect(connection.host).toBe('alive');
    await connection.close();

    const alone = connectionTo(lab, 'lab://silent', { clock, connectTimeoutMs: 700 });
    const failed = alone.connect().catch((e: unknown) => e);
    await clock.advance(700);
    expect(await failed).toMatchObject({
      code: 'ERR_KOMBU_CONNECT_TIMEOUT',
      message: expect.stringContaining('lab://silent'),
    });
    await alone.close();
    expect(clock.running).toBe(0);
  });

  it('ends at the deadline of the call, and drops what nobody waits for', async () => {
    const lab = new Lab();
    const clock = new ManualClock();
    lab.hosts.set('a', 'silent');
    const connection = connectionTo(lab, 'lab://a', { clock });
    const failed = connection.connect({ timeoutMs: 100 }).catch((e: unknown) => e);
    await clock.advance(100);
    expect(await failed).toBeInstanceOf(TimeoutError);
    expect(connection.state).toBe('idle');
    await settle();
    expect(clock.running).toBe(0);
    await connection.close();
  });

  it('ends when it is aborted, and a link that comes too late is let go of', async () => {
    const lab = new Lab();
    const open = lab.hold('dial a');
    const connection = connectionTo(lab);
    const controller = new AbortController();
    const failed = connection.connect({ signal: controller.signal }).catch((e: unknown) => e);
    await settle();
    controller.abort(new Error('changed my mind'));
    expect(await failed).toBeInstanceOf(AbortedError);
    expect(await failed).toMatchObject({ cause: new Error('changed my mind') });
    expect(connection.state).toBe('idle');
    open();
    await settle();
    expect(lab.links).toHaveLength(1);
    expect(lab.link.alive).toBe(false);
    await connection.connect();
    expect(connection.connected).toBe(true);
    await connection.close();
  });

  it('goes on for the others when one of several callers is aborted', async () => {
    const lab = new Lab();
    const open = lab.hold('dial a');
    await using connection = connectionTo(lab);
    const controller = new AbortController();
    const one = connection.connect({ signal: controller.signal }).catch((e: unknown) => e);
    const other = connection.connect();
    await settle();
    controller.abort();
    expect(await one).toBeInstanceOf(AbortedError);
    open();
    await other;
    expect(lab.log).toEqual(['dial a']);
  });

  it('refuses an aborted signal and a bad deadline without connecting', async () => {
    const lab = new Lab();
    await using connection = connectionTo(lab);
    await expect(connection.connect({ signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    await expect(connection.connect({ timeoutMs: -1 })).rejects.toThrow(InvalidOptionError);
    await expect(connection.connect({ timeoutMs: 'x' as never })).rejects.toThrow(InvalidOptionError);
    expect(lab.log).toEqual([]);
  });

  it('wraps what a driver throws, without the password', async () => {
    const lab = new Lab({
      connect: async () => {
        throw new Error('cannot log in with hunter2');
      },
    });
    await using connection = connectionTo(lab, 'lab://u:hunter2@h');
    const error = await connection.connect().catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED', cause: expect.any(Error) });
    expect((error as Error).message).not.toContain('hunter2');
  });

  it('is over once it is closed', async () => {
    const lab = new Lab();
    const connection = connectionTo(lab);
    await connection.close();
    await expect(connection.connect()).rejects.toThrow(ClosedError);
    expect(() => connection.channel()).toThrow(ClosedError);
    await expect(connection.drainEvents()).rejects.toThrow(ClosedError);
  });

  it('tells of itself', async () => {
    const lab = new Lab();
    const connection = connectionTo(lab, 'lab://u:secret@a');
    const events: unknown[] = [];
    connection.on('connected', (payload) => events.push(payload)).on('closed', () => events.push('closed'));
    connection.on('disconnected', (payload) => events.push(payload));
    await connection.connect();
    await connection.close();
    expect(events).toEqual([{ url: 'lab://u:**@a', generation: 1 }, { generation: 1, error: undefined }, 'closed']);
    expect(KombuError.is(await lab.link.closed)).toBe(false);
  });

  it('hands the whole list to a transport that takes it as one broker', async () => {
    const targets: unknown[] = [];
    const lab = new Lab({ takesAllUrls: ['lab'] });
    const { connect } = lab.transport;
    const transport = {
      ...lab.transport,
      connect: (target: never, context: never) => {
        targets.push((target as { all: { hostname: string }[] }).all.map(({ hostname }) => hostname));
        return connect(target, context);
      },
    };
    lab.hosts.set('a', 'refused');
    await using connection = new Connection('lab://a;lab://b', { transport });
    await expect(connection.connect()).rejects.toThrow('a refuses');
    expect(targets).toEqual([['a', 'b']]);
  });
});

describe('switching', () => {
  it('lets go of the link and connects to the other URL on next use', async () => {
    const lab = new Lab();
    await using connection = connectionTo(lab);
    await connection.connect();
    connection.switch('lab://b');
    expect(connection.state).toBe('idle');
    await settle();
    expect(lab.log).toEqual(['dial a', 'link.close']);
    await connection.connect();
    expect(lab.log.at(-1)).toBe('dial b');
    expect(() => connection.switch('nope://x')).toThrow(InvalidOptionError);
    expect(connection.host).toBe('b');
  });

  it('takes declarations and consumers along to the other broker', async () => {
    const lab = new Lab();
    await using connection = connectionTo(lab);
    const channel = connection.channel();
    await channel.declareQueue(queueSpec('q'));
    const got: string[] = [];
    await channel.consume(consumeRequest('q', 't'), { deliver: (d) => void got.push(d.body.toString()) });
    connection.switch(['lab://dead', 'lab://b']);
    lab.hosts.set('dead', 'refused');
    lab.log.length = 0;
    await connection.connect();
    expect(lab.log.filter((line) => !line.includes('close'))).toEqual([
      'dial dead',
      'dial b',
      'declareQueue q',
      'consume q t',
    ]);
    lab.deliver('t', 'from b');
    expect(got).toEqual(['from b']);
  });

  it('goes on to the next URL of the list, if there is one', async () => {
    const lab = new Lab();
    await using connection = connectionTo(lab, 'lab://a;lab://b');
    expect(connection.maybeSwitchNext()).toBe('lab://b');
    await connection.connect();
    expect(lab.log).toEqual(['dial b']);
    await using single = connectionTo(lab);
    expect(single.maybeSwitchNext()).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import { ClosedError, Connection, type ConnectionState } from '../../src/index.js';
import { deferred } from '../../src/util/deferred.js';
import { consumeRequest, Lab, queueSpec, wire } from './support/lab.js';
import { ManualClock, settle } from './support/manual-clock.js';

function setUp() {
  const lab = new Lab();
  const clock = new ManualClock();
  const connection = new Connection('lab://a', { transport: lab.transport, clock });
  return { lab, clock, connection };
}

type Setting = ReturnType<typeof setUp>;

const WAYS: { [S in ConnectionState]?: (setting: Setting) => Promise<void> } = {
  idle: async () => {},
  connecting: async ({ lab, connection }) => {
    lab.hosts.set('a', 'silent');
    connection.connect().catch(() => {});
    await settle();
  },
  connected: async ({ connection }) => {
    await connection.connect();
  },
  reconnecting: async ({ lab, clock, connection }) => {
    await connection.channel().consume(consumeRequest('q', 't'), { deliver() {} });
    lab.hosts.set('a', 'refused');
    lab.cut();
    await clock.advance(100);
  },
};

describe.each(Object.entries(WAYS))('closing a connection that is %s', (state, reach) => {
  it('ends everything, once, however often and by whomever it is asked', async () => {
    const setting = setUp();
    const { lab, clock, connection } = setting;
    let closed = 0;
    connection.on('closed', () => closed++);
    await reach(setting);
    expect(connection.state).toBe(state);
    const waiting = [
      connection.drainEvents().catch((e: unknown) => e),
      ...(state === 'connected' ? [] : [connection.connect().catch((e: unknown) => e)]),
    ];
    await settle();
    const first = connection.close();
    expect(connection.close()).toBe(first);
    expect(connection[Symbol.asyncDispose]()).toBe(first);
    expect(connection.release()).toBe(first);
    await first;
    await connection.close();
    expect(connection.state).toBe('closed');
    expect(closed).toBe(1);
    if (state !== 'idle') for (const error of waiting) expect(await error).toBeInstanceOf(ClosedError);
    for (const link of lab.links) expect(link.alive).toBe(false);
    expect(clock.running).toBe(0);
  });
});

describe('closing', () => {
  it('closes what was made of the connection first, then channels, then the link', async () => {
    const { lab, connection } = setUp();
    const channel = connection.channel();
    await channel.consume(consumeRequest('q', 't'), { deliver() {} });
    lab.log.length = 0;
    connection.track({
      close: async (o) => {
        lab.log.push(`part ${o?.drainMs}`);
        await channel.publish(wire('last words'), { exchange: '', routingKey: 'q' });
      },
    });
    await connection.close({ drainMs: 77 });
    expect(lab.log).toEqual(['part 77', 'cancel t', 'channel.close', 'link.close']);
    expect(lab.published).toEqual(['last words']);
    expect(channel.state).toBe('closed');
    expect(await channel.closed).toBeUndefined();
  });

  it('lets handlers that still run settle, publish and begin something, but consumes no more', async () => {
    const { lab, connection } = setUp();
    await connection.connect();
    const running = deferred();
    connection.track({ close: () => running.promise });
    const done = connection.close();
    expect(connection.state).toBe('closing');
    const late = connection.channel();
    await late.publish(wire('x'), { exchange: '', routingKey: 'q' });
    expect(lab.published).toEqual(['x']);
    await expect(late.consume(consumeRequest('q', 't'), { deliver() {} })).rejects.toThrow(ClosedError);
    running.resolve();
    await done;
    expect(late.state).toBe('closed');
  });

  it('asks a part again, so that a handler that closes during a close is known', async () => {
    const { connection } = setUp();
    const running = deferred();
    let asked = 0;
    connection.track({
      close: () => {
        if (++asked === 2) running.resolve();
        return running.promise;
      },
    });
    const first = connection.close();
    await settle();
    expect(connection.state).toBe('closing');
    await connection.close();
    await first;
    expect(asked).toBe(2);
  });

  it('goes on when parts fail, and forgets parts that are taken back', async () => {
    const { connection } = setUp();
    await connection.connect();
    const untrack = connection.track({
      close: () => {
        throw new Error('not asked for');
      },
    });
    untrack();
    connection.track({ close: () => Promise.reject(new Error('broken')) });
    await connection.close();
    expect(connection.state).toBe('closed');
  });

  it('does not wait for a broker that does not answer', async () => {
    for (const line of ['cancel t', 'channel.close', 'link.close']) {
      const { lab, clock, connection } = setUp();
      await connection.channel().consume(consumeRequest('q', 't'), { deliver() {} });
      lab.hold(line);
      const done = connection.close();
      await clock.advance(10_000);
      await done;
      expect(lab.link.alive).toBe(false);
      expect(clock.running).toBe(0);
    }
  });

  it('goes through when the link is lost meanwhile', async () => {
    const { lab, clock, connection } = setUp();
    await connection.connect();
    const running = deferred();
    connection.track({ close: () => running.promise });
    const done = connection.close();
    lab.cut();
    await settle();
    expect(connection.state).toBe('closing');
    running.resolve();
    await done;
    expect(lab.links).toHaveLength(1);
    expect(clock.running).toBe(0);
  });

  it('of a channel ends its consumers and nothing else, once', async () => {
    const { lab, connection } = setUp();
    const [one, other] = [connection.channel(), connection.channel()];
    for (const [channel, tag] of [
      [one, 'one'],
      [other, 'other'],
    ] as const) {
      await channel.consume(consumeRequest('q', tag), { deliver() {} });
    }
    const done = one.close();
    expect(one.close()).toBe(done);
    await done;
    expect(lab.log.slice(-2)).toEqual(['cancel one', 'channel.close']);
    await expect(one.purgeQueue('q')).rejects.toThrow(ClosedError);
    await expect(one.open()).rejects.toThrow(ClosedError);
    expect(() => one.settle({} as never, 'ack')).toThrow(ClosedError);
    expect(connection.defaultChannel.state).toBe('idle');
    expect(other.state).toBe('open');
    await connection.close();
  });

  it('of the default channel makes way for another', async () => {
    const { connection } = setUp();
    const channel = connection.defaultChannel;
    expect(connection.defaultChannel).toBe(channel);
    await channel.close();
    expect(connection.defaultChannel).not.toBe(channel);
    await connection.close();
  });
});

describe('collect', () => {
  it('drops everything at once without a word to the broker, and the connection can be used anew', async () => {
    const { lab, clock, connection } = setUp();
    const channel = connection.channel();
    await channel.declareQueue(queueSpec('q'));
    const ended: string[] = [];
    await channel.consume(consumeRequest('q', 't'), {
      deliver() {},
      cancelledByBroker: (why) => void ended.push(why.code),
    });
    lab.log.length = 0;
    connection.collect();
    await settle();
    expect(connection.state).toBe('idle');
    expect(channel.state).toBe('closed');
    expect(ended).toEqual(['ERR_KOMBU_CONNECTION_LOST']);
    expect(lab.link.alive).toBe(false);
    await connection.connect();
    expect(lab.log).toEqual(['dial a']);
    await connection.close();
    expect(clock.running).toBe(0);
  });
});

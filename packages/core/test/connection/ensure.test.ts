import { describe, expect, it } from '@jest/globals';
import {
  AbortedError,
  type Channel,
  ChannelError,
  ClosedError,
  Connection,
  OperationalError,
  TimeoutError,
} from '../../src/index.js';
import { Lab, lost } from './support/lab.js';
import { ManualClock, settle } from './support/manual-clock.js';

function setUp(over: object = {}, url = 'lab://a') {
  const lab = new Lab();
  const clock = new ManualClock();
  const connection = new Connection(url, {
    transport: lab.transport,
    clock,
    reconnect: { intervalStartMs: 1000, intervalStepMs: 0, intervalMaxMs: 0, jitter: false },
    ...over,
  });
  return { lab, clock, connection };
}

const dials = (lab: Lab) => lab.log.filter((line) => line.startsWith('dial')).length;
const outcome = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

describe('ensureConnection', () => {
  it('waits as Kombu does and tells of each failure, until there is a link', async () => {
    const { lab, clock, connection } = setUp();
    lab.hosts.set('a', 'refused');
    const told: number[] = [];
    const done = connection.ensureConnection({ jitter: false, onError: (_, interval) => told.push(interval) });
    await clock.advance(2000 + 4000);
    lab.hosts.clear();
    await clock.advance(6000);
    expect(await done).toBe(connection);
    expect(told).toEqual([2000, 4000, 6000]);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('tries the whole list before it waits', async () => {
    const { lab, clock, connection } = setUp({}, 'lab://a;lab://b');
    lab.hosts.set('a', 'refused').set('b', 'refused');
    const done = outcome(connection.ensureConnection({ maxRetries: 1, jitter: false }));
    await settle();
    expect(lab.log).toEqual(['dial a', 'dial b']);
    await clock.advance(2000);
    expect(await done).toBeInstanceOf(OperationalError);
    expect(lab.log).toEqual(['dial a', 'dial b', 'dial a', 'dial b']);
    await connection.close();
  });

  it.each([0, 2])('ends after %d retries with the last error as its cause', async (maxRetries) => {
    const { lab, clock, connection } = setUp();
    lab.hosts.set('a', 'refused');
    const done = outcome(connection.ensureConnection({ maxRetries, intervalStepMs: 0 }));
    await clock.advance(10_000);
    expect(await done).toBeInstanceOf(OperationalError);
    expect(await done).toMatchObject({ cause: { code: 'ERR_KOMBU_CONNECT_REFUSED' } });
    expect(dials(lab)).toBe(maxRetries + 1);
    await connection.close();
  });

  it('ends at its deadline, over everything it does', async () => {
    for (const state of ['refused', 'silent'] as const) {
      const { lab, clock, connection } = setUp();
      lab.hosts.set('a', state);
      const done = outcome(connection.ensureConnection({ timeoutMs: 3000, jitter: false }));
      await clock.advance(3000);
      expect(await done).toBeInstanceOf(OperationalError);
      expect(await done).toMatchObject({ message: expect.stringContaining('3000 ms') });
      await connection.close();
      expect(clock.running).toBe(0);
    }
  });

  it('counts the passes of a connection that is reconnecting by itself', async () => {
    const { lab, clock, connection } = setUp();
    await connection.connect();
    lab.hosts.set('a', 'refused');
    lab.cut();
    await settle();
    const told: string[] = [];
    const done = outcome(
      connection.ensureConnection({ maxRetries: 1, onError: (error, ms) => told.push(`${error.code} ${ms}`) }),
    );
    await clock.advance(1000);
    expect(told).toEqual(['ERR_KOMBU_CONNECT_REFUSED 0']);
    await clock.advance(1000);
    expect(await done).toBeInstanceOf(OperationalError);
    expect(connection.state).toBe('reconnecting');
    await connection.close();
  });

  it('ends when it is aborted, and when the connection is closed', async () => {
    const { lab, connection } = setUp();
    lab.hosts.set('a', 'refused');
    const controller = new AbortController();
    const aborted = outcome(connection.ensureConnection({ signal: controller.signal }));
    const closed = outcome(connection.ensureConnection());
    await settle();
    controller.abort();
    expect(await aborted).toBeInstanceOf(AbortedError);
    await connection.close();
    const late = outcome(connection.ensureConnection());
    expect(await late).toBeInstanceOf(ClosedError);
    void closed;
  });
});

describe('ensure', () => {
  it('calls again with the current channel after the link was lost, and returns what it returns', async () => {
    const { lab, clock, connection } = setUp();
    const seen: [number, number][] = [];
    const revived: Channel[] = [];
    const done = connection.ensure(
      async ({ channel, attempt }) => {
        seen.push([attempt, channel.generation]);
        if (attempt === 0) {
          lab.cut();
          throw lost();
        }
        return 'done';
      },
      { onRevive: (channel) => revived.push(channel) },
    );
    await clock.advance(1000);
    expect(await done).toBe('done');
    expect(seen).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(revived).toEqual([connection.defaultChannel]);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('takes another channel when the last one was closed', async () => {
    const { clock, connection } = setUp();
    const channels: Channel[] = [];
    const done = connection.ensure(async ({ channel, attempt }) => {
      channels.push(channel);
      if (attempt > 0) return;
      await channel.close();
      throw new OperationalError('BROKER_BUSY', 'busy');
    });
    await clock.advance(1000);
    await done;
    expect(channels).toHaveLength(2);
    expect(channels.map(({ state }) => state)).toEqual(['closed', 'open']);
    await connection.close();
  });

  it('does not call again after an error that trying again cannot help, unless the policy names it', async () => {
    const { clock, connection } = setUp();
    const missing = new ChannelError('NOT_FOUND', 'no queue');
    let calls = 0;
    const fn = () => {
      calls++;
      throw missing;
    };
    expect(await outcome(connection.ensure(fn))).toBe(missing);
    expect(calls).toBe(1);
    const named = outcome(connection.ensure(fn, { retryErrors: ['ERR_KOMBU_NOT_FOUND'], maxRetries: 2 }));
    await clock.advance(2000);
    expect(await named).toMatchObject({ cause: missing });
    expect(calls).toBe(4);
    await connection.close();
  });

  it.each([0, 2])('makes at most one more call than maxRetries %d', async (maxRetries) => {
    const { lab, clock, connection } = setUp();
    let calls = 0;
    const fn = () => {
      calls++;
      lab.cut();
      throw lost();
    };
    const done = outcome(connection.ensure(fn, { maxRetries }));
    await clock.advance(20_000);
    expect(await done).toMatchObject({
      code: 'ERR_KOMBU_CONNECTION_LOST',
      cause: { code: 'ERR_KOMBU_CONNECTION_LOST' },
    });
    expect(calls).toBe(maxRetries + 1);
    await connection.close();
  });

  it('does not try longer for a link than it may', async () => {
    const { lab, clock, connection } = setUp({ reconnect: false });
    lab.hosts.set('a', 'refused');
    let calls = 0;
    const done = outcome(connection.ensure(() => calls++, { maxRetries: 3, jitter: false }));
    await clock.advance(60_000);
    expect(await done).toBeInstanceOf(OperationalError);
    expect(calls).toBe(0);
    expect(dials(lab)).toBe(4);
    await connection.close();
  });

  it('has one deadline, and gives its signal to the function', async () => {
    const { clock, connection } = setUp();
    let given: AbortSignal | undefined;
    const hanging = outcome(
      connection.ensure(
        ({ signal }) => {
          given = signal;
          return new Promise(() => {});
        },
        { timeoutMs: 50 },
      ),
    );
    await clock.advance(50);
    expect(await hanging).toBeInstanceOf(TimeoutError);
    expect(given?.aborted).toBe(true);
    await connection.close();
    expect(clock.running).toBe(0);
  });
});

describe('autoretry', () => {
  it('works on a channel of its own, which it returns', async () => {
    const { connection } = setUp();
    const [result, channel] = await connection.autoretry(({ channel: given }) => given.id);
    expect(result).toBe(channel.id);
    expect(channel).not.toBe(connection.defaultChannel);
    expect(channel.state).toBe('open');
    await connection.close();
  });

  it('closes that channel when it fails', async () => {
    const { connection } = setUp();
    let channel: Channel | undefined;
    const fn = ({ channel: given }: { channel: Channel }) => {
      channel = given;
      throw new Error('no use');
    };
    await expect(connection.autoretry(fn)).rejects.toThrow('no use');
    expect(channel?.state).toBe('closed');
    await connection.close();
  });
});

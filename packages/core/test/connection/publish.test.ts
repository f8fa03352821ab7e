import { describe, expect, it } from '@jest/globals';
import {
  AbortedError,
  BufferFullError,
  ClosedError,
  Connection,
  OperationalError,
  type RetryPolicy,
  TimeoutError,
  UndeliverableError,
} from '../../src/index.js';
import { Lab, lost, wire } from './support/lab.js';
import { ManualClock, settle } from './support/manual-clock.js';

const DELAYS = { intervalStartMs: 1000, intervalStepMs: 0, intervalMaxMs: 1000, jitter: false };
const RETRY: RetryPolicy = { ...DELAYS };
const ROUTE = { exchange: '', routingKey: 'q' };

async function setUp(over: object = {}) {
  const lab = new Lab();
  const clock = new ManualClock();
  const connection = new Connection('lab://a', { transport: lab.transport, clock, reconnect: DELAYS, ...over });
  const channel = connection.channel();
  const publish = (text: string, o?: Parameters<typeof channel.publish>[2]) => channel.publish(wire(text), ROUTE, o);
  const outcome = async (result: void | Promise<void>): Promise<unknown> => {
    try {
      await result;
      return 'published';
    } catch (error) {
      return error;
    }
  };
  return { lab, clock, connection, channel, publish, outcome };
}

type Setting = Awaited<ReturnType<typeof setUp>>;

/** The link is down, and stays so until `up`. */
async function down({ lab, clock }: Setting): Promise<() => Promise<void>> {
  lab.hosts.set('a', 'refused');
  lab.cut();
  await clock.advance(0);
  return async () => {
    lab.hosts.clear();
    await clock.advance(1000);
  };
}

describe('publishing while the link is up', () => {
  it('goes straight to the transport, and adds neither a promise nor a copy', async () => {
    const lab = new Lab();
    const calls: unknown[][] = [];
    await using connection = new Connection('lab://a', { transport: lab.transport });
    const channel = connection.channel();
    await channel.open();
    const level1 = lab.link.channels[0] as { publish: unknown };
    const answers: (Promise<void> | undefined)[] = [undefined, Promise.resolve()];
    level1.publish = (...args: unknown[]) => {
      calls.push(args);
      return answers[calls.length - 1];
    };
    const [message, options] = [wire('x'), { deadline: 5 }];
    expect(channel.publish(message, ROUTE, options)).toBeUndefined();
    expect(channel.publish(message, ROUTE)).toBe(answers[1]);
    expect(calls[0]?.[0]).toBe(message);
    expect(calls[0]?.[1]).toBe(ROUTE);
    expect(calls[0]?.[2]).toBe(options);
    expect(calls[1]).toEqual([message, ROUTE, undefined]);
  });

  it('rejects when the link is lost with the message on its way', async () => {
    const setting = await setUp();
    const { lab, channel, publish, outcome, connection } = setting;
    await channel.open();
    lab.holdConfirms = true;
    const result = outcome(publish('x'));
    lab.cut();
    expect(await result).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
    await connection.close();
  });
});

describe('publishing while there is no link', () => {
  it('makes the first one, and sends in the order of the calls', async () => {
    const { lab, connection, publish } = await setUp();
    const results = ['1', '2', '3'].map((text) => publish(text));
    expect(connection.state).toBe('connecting');
    await Promise.all(results);
    publish('4');
    expect(lab.published).toEqual(['1', '2', '3', '4']);
    await connection.close();
  });

  it('waits for the next one, and sends in the order of the calls, before `revived` is told', async () => {
    const setting = await setUp();
    const { lab, connection, channel, publish } = setting;
    await channel.open();
    const up = await down(setting);
    const results = ['1', '2', '3'].map((text) => publish(text));
    connection.on('revived', () => void publish('4'));
    await up();
    await Promise.all(results);
    expect(lab.published).toEqual(['1', '2', '3', '4']);
    await connection.close();
  });

  it('rejects at once when the first one cannot be made, unless it is to be tried again', async () => {
    const { lab, clock, connection, publish, outcome } = await setUp();
    lab.hosts.set('a', 'refused');
    const once = outcome(publish('once'));
    const again = outcome(publish('again', { retry: RETRY }));
    expect(await once).toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED' });
    await clock.advance(3000);
    lab.hosts.clear();
    await clock.advance(1000);
    expect(await again).toBe('published');
    expect(lab.published).toEqual(['again']);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('ends at its deadline, with nothing sent', async () => {
    const setting = await setUp();
    const { lab, clock, connection, channel, publish, outcome } = setting;
    await channel.open();
    const up = await down(setting);
    const result = outcome(publish('x', { deadline: clock.monotonic() + 500 }));
    await clock.advance(500);
    expect(await result).toBeInstanceOf(TimeoutError);
    expect(await result).toMatchObject({ sent: 'no' });
    await up();
    expect(lab.published).toEqual([]);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('ends when it is aborted, also before it began', async () => {
    const setting = await setUp();
    const { lab, connection, channel, publish, outcome } = setting;
    await channel.open();
    const up = await down(setting);
    const controller = new AbortController();
    const results = [
      outcome(publish('x', { signal: controller.signal })),
      outcome(publish('y', { retry: { ...RETRY, signal: controller.signal } })),
    ];
    controller.abort();
    results.push(outcome(publish('z', { signal: controller.signal })));
    for (const result of results) expect(await result).toBeInstanceOf(AbortedError);
    await up();
    expect(lab.published).toEqual([]);
    await connection.close();
  });

  it('is bounded', async () => {
    const setting = await setUp({ transportOptions: { maxInFlight: 2 } });
    const { lab, connection, channel, publish, outcome } = setting;
    await channel.open();
    const up = await down(setting);
    const results = ['1', '2', '3'].map((text) => outcome(publish(text)));
    expect(await results[2]).toBeInstanceOf(BufferFullError);
    await up();
    expect(await Promise.all(results.slice(0, 2))).toEqual(['published', 'published']);
    expect(lab.published).toEqual(['1', '2']);
    await connection.close();
  });

  it('ends when the connection or the channel is closed', async () => {
    for (const what of ['connection', 'channel'] as const) {
      const setting = await setUp();
      const { clock, connection, channel, publish, outcome } = setting;
      await channel.open();
      await down(setting);
      const result = outcome(publish('x', { retry: RETRY }));
      await setting[what].close();
      expect(await result).toBeInstanceOf(ClosedError);
      expect(await outcome(publish('y'))).toBeInstanceOf(ClosedError);
      await connection.close();
      expect(clock.running).toBe(0);
    }
  });

  it('tells what the transport says of it later', async () => {
    const setting = await setUp();
    const { lab, connection, channel, publish, outcome } = setting;
    await channel.open();
    const up = await down(setting);
    const result = outcome(publish('x', { retry: RETRY }));
    lab.publishError = new UndeliverableError('NO_ROUTE', 'nobody takes it');
    await up();
    expect(await result).toBe(lab.publishError);
    await connection.close();
  });
});

describe('publishing with retry', () => {
  it('sends again on the next link, before what was published later', async () => {
    const setting = await setUp();
    const { lab, connection, channel, publish, outcome } = setting;
    await channel.open();
    lab.holdConfirms = true;
    const results = ['1', '2'].map((text) => outcome(publish(text, { retry: RETRY })));
    const up = await down(setting);
    results.push(outcome(publish('3')));
    lab.holdConfirms = false;
    await up();
    expect(await Promise.all(results)).toEqual(['published', 'published', 'published']);
    expect(lab.published).toEqual(['1', '2', '1', '2', '3']);
    await connection.close();
  });

  it('says when the message may have been sent before the deadline came', async () => {
    const setting = await setUp();
    const { lab, clock, connection, channel, publish, outcome } = setting;
    await channel.open();
    lab.holdConfirms = true;
    const result = outcome(publish('x', { retry: RETRY, deadline: clock.monotonic() + 500 }));
    await down(setting);
    await clock.advance(500);
    expect(await result).toBeInstanceOf(TimeoutError);
    expect(await result).toMatchObject({ sent: 'maybe' });
    await connection.close();
  });

  it('ends at the deadline of its policy', async () => {
    const setting = await setUp();
    const { clock, connection, channel, publish, outcome } = setting;
    await channel.open();
    await down(setting);
    const result = outcome(publish('x', { retry: { ...RETRY, timeoutMs: 700 } }));
    await clock.advance(700);
    expect(await result).toBeInstanceOf(TimeoutError);
    await connection.close();
  });

  it('counts tries, the failed ones for a link too, and tells of each', async () => {
    const setting = await setUp();
    const { clock, connection, channel, publish, outcome } = setting;
    await channel.open();
    await down(setting);
    const told: string[] = [];
    const retry = { ...RETRY, maxRetries: 2, onError: (error: { code: string }) => void told.push(error.code) };
    const result = outcome(publish('x', { retry }));
    await clock.advance(2000);
    expect(told).toHaveLength(2);
    await clock.advance(1000);
    expect(await result).toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED' });
    await connection.close();
  });

  it('ends with what its onError throws', async () => {
    const setting = await setUp();
    const { clock, connection, channel, publish, outcome } = setting;
    await channel.open();
    await down(setting);
    const stop = new Error('stop');
    const onError = () => {
      throw stop;
    };
    const result = outcome(publish('x', { retry: { ...RETRY, onError } }));
    await clock.advance(1000);
    expect(await result).toBe(stop);
    await connection.close();
  });

  it('leaves a broker that is busy alone for a while', async () => {
    const { lab, clock, connection, channel, publish, outcome } = await setUp();
    await channel.open();
    lab.publishError = new OperationalError('BROKER_BUSY', 'alarm');
    const result = outcome(publish('x', { retry: RETRY }));
    await settle();
    expect(lab.published).toEqual(['x']);
    await clock.advance(1000);
    expect(lab.published).toEqual(['x', 'x']);
    lab.publishError = undefined;
    await clock.advance(1000);
    expect(await result).toBe('published');
    expect(lab.published).toEqual(['x', 'x', 'x']);
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('says why it could not be published before the deadline', async () => {
    const { lab, clock, connection, channel, publish, outcome } = await setUp();
    const limits = () => ({ retry: RETRY, deadline: clock.monotonic() + 1500 });
    lab.hosts.set('a', 'refused');
    const unreached = outcome(publish('x', limits()));
    await settle();
    await clock.advance(1500);
    const late = (await unreached) as TimeoutError;
    expect(late).toMatchObject({ sent: 'no', message: 'the message could not be published in time: a refuses' });
    expect(late.cause).toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED' });
    lab.hosts.clear();
    await clock.advance(10_000);
    await channel.open();
    lab.publishError = new OperationalError('BROKER_BUSY', 'alarm');
    const busy = outcome(publish('y', limits()));
    await clock.advance(1500);
    const refused = (await busy) as TimeoutError;
    expect(refused).toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'maybe' });
    expect(refused.cause).toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
    await connection.close();
    expect(clock.running).toBe(0);
  });

  it('is bounded while a broker is busy, too', async () => {
    const { lab, clock, connection, channel, publish, outcome } = await setUp({ transportOptions: { maxInFlight: 2 } });
    await channel.open();
    lab.publishError = new OperationalError('BROKER_BUSY', 'alarm');
    const results = ['1', '2'].map((text) => outcome(publish(text, { retry: RETRY })));
    await settle();
    expect(await outcome(publish('3', { retry: RETRY }))).toBeInstanceOf(BufferFullError);
    lab.publishError = undefined;
    await clock.advance(1000);
    expect(await Promise.all(results)).toEqual(['published', 'published']);
    expect(await outcome(publish('4', { retry: RETRY }))).toBe('published');
    expect(lab.published).toEqual(['1', '2', '1', '2', '4']);
    await connection.close();
  });

  it('ends with the connection while a broker is busy', async () => {
    for (const what of ['connection', 'channel'] as const) {
      const setting = await setUp();
      const { lab, clock, connection, channel, publish, outcome } = setting;
      await channel.open();
      lab.publishError = new OperationalError('BROKER_BUSY', 'alarm');
      const result = outcome(publish('x', { retry: RETRY }));
      await settle();
      await setting[what].close();
      expect(await result).toBeInstanceOf(ClosedError);
      await connection.close();
      expect(clock.running).toBe(0);
    }
  });

  it('does not send again what the broker refuses, unless the policy names it', async () => {
    const { lab, clock, connection, channel, publish, outcome } = await setUp();
    await channel.open();
    lab.publishError = new UndeliverableError('NO_ROUTE', 'nobody takes it');
    expect(await outcome(publish('x', { retry: RETRY }))).toBe(lab.publishError);
    const named = { ...RETRY, maxRetries: 1, retryErrors: ['ERR_KOMBU_NO_ROUTE'] } as const;
    const result = outcome(publish('y', { retry: named }));
    await clock.advance(1000);
    expect(await result).toBe(lab.publishError);
    expect(lab.published).toEqual(['x', 'y', 'y']);
    await connection.close();
  });
});

it('one deadline covers connecting, declaring and publishing', async () => {
  const { lab, clock, connection, channel, outcome } = await setUp();
  const open = lab.hold('dial a');
  const work = async (timeoutMs: number) => {
    const began = clock.monotonic();
    const left = () => began + timeoutMs - clock.monotonic();
    await channel.declareQueue(
      { name: 'q', durable: true, exclusive: false, autoDelete: false, arguments: {} },
      { timeoutMs: left() },
    );
    await channel.publish(wire('x'), ROUTE, { deadline: began + timeoutMs });
  };
  const result = outcome(work(900));
  await clock.advance(600);
  const release = lab.hold('declareQueue q');
  open();
  await clock.advance(300);
  expect(await result).toBeInstanceOf(TimeoutError);
  release();
  expect(lab.published).toEqual([]);
  expect(lost().retryable).toBe(true);
  await connection.close();
  expect(clock.running).toBe(0);
});

import { describe, expect, it } from '@jest/globals';
import { Emitter } from '../../src/connection/events.js';
import { nextState } from '../../src/connection/lifecycle.js';
import { Connection, InconsistencyError, OperationalError, silentLogger } from '../../src/index.js';
import { Lab } from './support/lab.js';

interface Events {
  a: number;
  error: Error;
}

describe('an emitter', () => {
  it('calls listeners in order; adding and removing while it does so has no effect on that', () => {
    const emitter = new Emitter<Events>(() => silentLogger);
    const seen: string[] = [];
    const second = (n: number) => void seen.push(`second ${n}`);
    emitter.on('a', (n) => {
      seen.push(`first ${n}`);
      emitter.off('a', second);
      emitter.on('a', () => void seen.push('late'));
    });
    emitter.on('a', second);
    emitter.once('a', (n) => void seen.push(`once ${n}`));
    emitter.emit('a', 1);
    expect(seen).toEqual(['first 1', 'second 1', 'once 1']);
    seen.length = 0;
    emitter.emit('a', 2);
    expect(seen).toEqual(['first 2', 'late']);
    expect(emitter.has('a')).toBe(true);
    expect(emitter.has('error')).toBe(false);
  });

  it('goes on when a listener throws, and logs that', () => {
    const logged: unknown[] = [];
    const emitter = new Emitter<Events>(() => ({ ...silentLogger, error: (...args) => void logged.push(args) }));
    const seen: number[] = [];
    const broken = new Error('broken');
    emitter.on('a', () => {
      throw broken;
    });
    emitter.on('a', (n) => void seen.push(n));
    emitter.emit('a', 1);
    expect(seen).toEqual([1]);
    expect(logged).toEqual([[expect.stringContaining("'a'"), broken]]);
  });

  it('makes nothing of an error that nobody listens to', () => {
    new Emitter<Events>(() => silentLogger).emit('error', new Error('unheard'));
    const connection = new Connection('memory://');
    connection.emitError(new Error('unheard'));
    const heard: unknown[] = [];
    const listener = (error: unknown) => void heard.push(error);
    connection.on('error', listener).emitError('text');
    connection.off('error', listener).emitError('nobody hears this');
    expect(heard).toEqual([expect.any(OperationalError)]);
  });
});

describe('the states of a connection', () => {
  it('follow one another as the table says, and not otherwise', () => {
    expect(nextState('idle', 'connect')).toBe('connecting');
    expect(nextState('connecting', 'opened')).toBe('connected');
    expect(nextState('connected', 'lost')).toBe('reconnecting');
    expect(nextState('reconnecting', 'dropped')).toBe('idle');
    for (const state of ['idle', 'connecting', 'connected', 'reconnecting'] as const)
      expect(nextState(state, 'close')).toBe('closing');
    expect(nextState('closing', 'ended')).toBe('closed');
    expect(() => nextState('closed', 'connect')).toThrow(InconsistencyError);
    expect(() => nextState('idle', 'lost')).toThrow(InconsistencyError);
  });
});

it('what the transport warns of is told as an event', async () => {
  const lab = new Lab();
  const { connect } = lab.transport;
  const transport = {
    ...lab.transport,
    connect: (...[target, context]: Parameters<typeof connect>) => {
      context.warn(new OperationalError('BROKER_BUSY', 'careful'));
      context.blocked('memory');
      context.unblocked();
      return connect(target, context);
    },
  };
  await using connection = new Connection('lab://a', { transport });
  const seen: unknown[] = [];
  connection.on('warning', ({ message }) => seen.push(message));
  connection.on('blocked', ({ reason }) => seen.push(`blocked: ${reason}`));
  connection.on('unblocked', () => seen.push('unblocked'));
  await connection.connect();
  expect(seen).toEqual(['careful', 'blocked: memory', 'unblocked']);
});

import { describe, expect, it } from '@jest/globals';
import { type Connection, Exchange, eventloop, Mailbox, Queue } from '../../src/index.js';
import { failure, memoryTest } from '../support/with-memory.js';

const queue = new Queue('q');
const with_ = memoryTest({ declare: [queue] });

/** The mistake that is made: the controller instead of its signal. */
const wrongly = { signal: new AbortController() as never };
const wrong = wrongly as never;
const wireMessage = { body: Buffer.from('x'), headers: {}, properties: {} } as never;

const calls: readonly [string, (connection: Connection) => unknown][] = [
  ['connect', (c) => c.connect(wrong)],
  ['declare', (c) => queue.bind(c).declare(wrong)],
  ['get', (c) => queue.bind(c).get(wrong)],
  ['purge', (c) => queue.bind(c).purge(wrong)],
  ['publish', (c) => c.producer({ routingKey: 'q' }).publish('x', wrong)],
  ['publish', (c) => new Exchange('').bind(c).publish('x', { ...wrongly, routingKey: 'q' })],
  ['publish', (c) => c.channel().publish(wireMessage, { exchange: '', routingKey: 'q' }, wrong)],
  ['retry', (c) => c.producer({ routingKey: 'q' }).publish('x', { retry: wrong })],
  ['publishMany', (c) => c.producer({ routingKey: 'q' }).publishMany(['x'], wrong)],
  ['Consumer', (c) => c.consumer({ queues: [queue], signal: new AbortController() as never })],
  ['consume', (c) => c.consumer({ queues: [queue], onMessage: () => {} }).consume(wrong)],
  ['consume', (c) => queue.bind(c).consume({ onMessage: () => {}, signal: new AbortController() as never })],
  [
    'consume',
    (c) => {
      const { signal } = new AbortController();
      return c.consumer({ queues: [queue], onMessage: () => {}, signal }).consume(wrong);
    },
  ],
  ['get', (c) => c.simpleQueue('s').get(wrong)],
  ['publish', (c) => c.simpleQueue('s').put('x', wrong)],
  ['call', (c) => c.rpcClient().call('q', 'x', wrong)],
  ['call', (c) => new Mailbox('m').bind(c).call(['n'], 'x', {}, wrong)],
  ['acquire', (c) => c.pool(1).acquire(wrong)],
  ['drainEvents', (c) => c.drainEvents(wrong)],
  ['eventloop', (c) => eventloop(c, wrong).next()],
];

describe('a signal that is none', () => {
  it.each(calls)('%s refuses it, and nothing is done', (_, call) =>
    with_(async (connection) => {
      const error = await failure((async () => call(connection))());
      expect(error.code).toBe('ERR_KOMBU_INVALID_OPTION');
      expect(error.message).toMatch(/^[a-z][\w ']*: 'signal' must be an AbortSignal$/i);
      expect(await queue.bind(connection).get()).toBeUndefined();
    }),
  );

  it.each(['ack', 'reject', 'requeue'] as const)('%s: the message stays unsettled', (method) =>
    with_(async (connection) => {
      await connection.producer().publish('x', { routingKey: 'q' });
      const message = await queue.bind(connection).get();
      const error = await failure(message?.[method](wrong) as Promise<void>);
      expect(error.message).toBe(`${method}: 'signal' must be an AbortSignal`);
      expect(message?.acknowledged).toBe(false);
      await message?.[method]();
    }),
  );
});

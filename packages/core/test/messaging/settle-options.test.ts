import { describe, expect, it } from '@jest/globals';
import {
  AbortedError,
  Connection,
  type ConnectionOptions,
  type Message,
  Queue,
  TimeoutError,
} from '../../src/index.js';
import { faultyMemory } from '../support/faults.js';
import { failure, memoryTest, ready } from '../support/with-memory.js';

const queue = new Queue('q');
const with_ = memoryTest({ declare: [queue] });
const methods = ['ack', 'reject', 'requeue'] as const;

/** A connection whose settlements are taken, but not confirmed until `confirm` says so. */
function slowConfirmations(): { connection: Connection; confirm: () => void } {
  let confirm = (): void => {};
  const confirmed = new Promise<void>((resolve) => {
    confirm = resolve;
  });
  const transport = faultyMemory({ confirmation: () => confirmed });
  return { connection: new Connection('memory://', { transport } as ConnectionOptions), confirm: () => confirm() };
}

async function oneMessage(connection: Connection): Promise<Message> {
  await connection.producer().publish('x', { routingKey: 'q' });
  const message = await queue.bind(connection).get();
  if (message === undefined) throw new Error('nothing arrived');
  return message;
}

describe('the wait for a confirmed settlement', () => {
  it.each(methods)('%s: ends with TimeoutError at its deadline, and the message counts as settled', (method) => {
    const { connection, confirm } = slowConfirmations();
    return with_(async () => {
      const message = await oneMessage(connection);
      const error = await failure(message[method]({ confirm: true, timeoutMs: 20 }));
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error.message).toBe(`${method} did not end within 20 ms`);
      expect(message.acknowledged).toBe(true);
      expect((await failure(message.ack())).code).toBe('ERR_KOMBU_ALREADY_SETTLED');
      confirm();
    }, connection);
  });

  it.each(methods)('%s: ends with AbortedError by its signal', (method) => {
    const { connection, confirm } = slowConfirmations();
    return with_(async () => {
      const message = await oneMessage(connection);
      const abort = new AbortController();
      const settling = failure(message[method]({ confirm: true, signal: abort.signal }));
      abort.abort(new Error('enough'));
      const error = await settling;
      expect(error).toBeInstanceOf(AbortedError);
      expect(error.cause).toMatchObject({ message: 'enough' });
      expect(message.acknowledged).toBe(true);
      confirm();
    }, connection);
  });

  it('ends well when the confirmation is in time', () => {
    const { connection, confirm } = slowConfirmations();
    return with_(async () => {
      const message = await oneMessage(connection);
      const settling = message.ack({ confirm: true, timeoutMs: 5000, signal: new AbortController().signal });
      confirm();
      await settling;
    }, connection);
  });
});

describe('a settle method', () => {
  it.each(methods)('%s: sends nothing with a signal that is aborted already', (method) =>
    with_(async (connection) => {
      const message = await oneMessage(connection);
      const options = { signal: AbortSignal.abort() };
      expect(await failure(message[method](options))).toBeInstanceOf(AbortedError);
      expect(message.acknowledged).toBe(false);
      await message.reject({ requeue: true, confirm: true, timeoutMs: 5000 });
      expect(await ready(connection)).toBe(1);
    }),
  );

  it.each(methods)('%s: refuses a deadline that is none', (method) =>
    with_(async (connection) => {
      const message = await oneMessage(connection);
      const error = await failure(message[method]({ confirm: true, timeoutMs: -1 }));
      expect(error.code).toBe('ERR_KOMBU_INVALID_OPTION');
      expect(message.acknowledged).toBe(false);
      await message.ack();
    }),
  );
});

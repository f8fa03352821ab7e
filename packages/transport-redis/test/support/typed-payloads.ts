import { describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { type Connection, Queue, type StandardSchema, uuid } from '@kombu/core';

const WAIT = { timeoutMs: 10_000 };

interface Video {
  readonly name: string;
  readonly size: number;
}

/** A video has a name; where no size is said it is 0. */
const video: StandardSchema<Video> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { name, size = 0 } = (value ?? {}) as Partial<Video>;
      return typeof name === 'string'
        ? { value: { name, size } }
        : { issues: [{ message: 'no name', path: ['name'] }] };
    },
  },
};

/** Runs queues that have a schema on a real broker. */
export function describeTypedPayloads(name: string, current: () => Connection): void {
  describe(`typed payloads on ${name}`, () => {
    const typed = () => new Queue<Video>(`typed-${uuid()}`, { expiresMs: 60_000, schema: video });

    it('a schema makes payloads, and refuses bodies before they are sent', async () => {
      const queue = typed();
      const producer = current().producer({ routingKey: queue.name });
      await producer.publish({ name: 'a' }, { declare: [queue as Queue] });
      await expect(producer.publish({ size: 1 }, { declare: [queue as Queue] })).rejects.toMatchObject({
        code: 'ERR_KOMBU_ENCODE',
      });
      expect((await queue.bind(current()).get({ noAck: true }))?.payload).toEqual({ name: 'a', size: 0 });
      expect(await queue.bind(current()).get()).toBeUndefined();
    });

    it('what does not match comes to onDecodeError, or is rejected by get', async () => {
      const queue = typed();
      const bound = queue.bind(current());
      await bound.declare();
      const producer = current().producer({ routingKey: queue.name });
      const seen: string[] = [];
      const consumer = current().consumer({
        queues: [queue],
        onMessage: async (message) => {
          seen.push(message.payload.name);
          await message.ack();
        },
        onDecodeError: async (message, error) => {
          seen.push(error.code);
          await message.reject();
        },
      });
      await consumer.consume();
      await producer.publish({ nope: 1 });
      await producer.publish({ name: 'good' });
      await until(() => seen.length === 2, { what: 'both messages', ...WAIT });
      expect(seen.toSorted()).toEqual(['ERR_KOMBU_DECODE', 'good']);
      await consumer.close();
      await producer.publish({ nope: 2 });
      await expect(bound.get()).rejects.toMatchObject({ code: 'ERR_KOMBU_DECODE' });
      await until(async () => (await bound.queueDeclare({ passive: true })).messageCount === 0, {
        what: 'the message to go',
        ...WAIT,
      });
    });

    it('a request that does not match is answered with the error', async () => {
      const queue = typed();
      await using _server = await current().rpcServer(queue, ({ name: title, size }) => `${title} ${size}`);
      await using client = current().rpcClient(WAIT);
      expect(await client.call(queue as Queue, { name: 'a', size: 2 })).toBe('a 2');
      await expect(client.call(queue.name, {})).rejects.toMatchObject({ remote: { name: 'DecodeError' } });
    });
  });
}

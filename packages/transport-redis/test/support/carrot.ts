import { describe, expect, it } from '@jest/globals';
import { type Connection, uuid } from '@kombu/core';
import { Consumer, ConsumerSet, Publisher } from '@kombu/core/compat';

/** Runs Publisher, Consumer and ConsumerSet of `@kombu/core/compat` on a real broker. */
export function describeCarrot(name: string, current: () => Connection): void {
  describe(`the names of carrot on ${name}`, () => {
    const feed = () => ({ queue: `feed-${uuid()}`, exchange: `feeds-${uuid()}`, routingKey: 'new' });

    async function published(...bodies: unknown[]) {
      const options = feed();
      const consumer = new Consumer(current(), options);
      await consumer.declare();
      const publisher = new Publisher(current(), { exchange: options.exchange, routingKey: 'new' });
      for (const body of bodies) await publisher.send(body);
      const end = async () => {
        await consumer.close();
        await publisher.close();
        await current().defaultChannel.deleteQueue(options.queue);
        await current().defaultChannel.deleteExchange(options.exchange);
      };
      return { consumer, end, options };
    }

    it('Publisher sends and Consumer fetches, iterates and consumes', async () => {
      const { consumer, end } = await published('a', 'b', 'c', 'd', 'e');
      const seen: unknown[] = [];
      consumer.registerCallback((body, message) => {
        seen.push(body);
        return message.ack();
      });
      const first = await consumer.fetch();
      expect(first?.payload).toBe('a');
      await first?.ack();
      await consumer.processNext();
      for await (const message of consumer.iterqueue({ limit: 1 })) {
        seen.push(message.payload);
        await message.ack();
      }
      for await (const _ of consumer.iterconsume({ limit: 1 }));
      await consumer.wait(1);
      expect(seen).toEqual(['b', 'c', 'd', 'e']);
      await end();
    });

    it('discardAll says how many', async () => {
      const { consumer, end } = await published(1, 2, 3);
      expect(await consumer.discardAll()).toBe(3);
      expect(await consumer.fetch()).toBeUndefined();
      await end();
    });

    it('ConsumerSet consumes from the queues of dictionaries and of consumers', async () => {
      const { consumer, end, options } = await published('a');
      const other = { queue: `other-${uuid()}`, exchange: `others-${uuid()}` };
      const set = new ConsumerSet(current(), {
        fromDict: { [other.queue]: { exchange: other.exchange, exchange_type: 'topic', routing_key: '#' } },
        consumers: [consumer],
      });
      expect(set.queues.map((queue) => queue.name)).toEqual([other.queue, options.queue]);
      const seen: unknown[] = [];
      set.registerCallback((body, message) => {
        seen.push(body);
        return message.ack();
      });
      for await (const _ of set.iterconsume({ limit: 1 }));
      await current().producer().publish('b', { exchange: other.exchange, routingKey: 'x.y' });
      for await (const _ of set.iterconsume({ limit: 1 }));
      expect(seen).toEqual(['a', 'b']);
      await set.close();
      await end();
      await current().defaultChannel.deleteQueue(other.queue);
      await current().defaultChannel.deleteExchange(other.exchange);
    });
  });
}

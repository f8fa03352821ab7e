import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, startZookeeperEnsemble, until, type ZookeeperEnsemble } from '@kombu/brokers';
import { Connection, Exchange, type Message, Queue } from '@kombu/core';
import { zookeeper } from '../src/index.js';

jest.setTimeout(120_000);

const found = await startZookeeperEnsemble();

function suite(ensemble: ZookeeperEnsemble): void {
  const path = '/ensemble?leaseMs=4000';
  const to = (index: number): Connection =>
    new Connection(`${ensemble.nodes[index]?.url}${path}`, { transport: zookeeper });
  const toAll = (): Connection =>
    new Connection(ensemble.nodes.map(({ url }) => `${url}${path}`).join(';'), {
      transport: zookeeper,
      reconnect: { intervalStartMs: 20, intervalStepMs: 20, intervalMaxMs: 200 },
    });
  afterAll(() => ensemble.close());

  it('what one server was told, the next publish over another one knows', async () => {
    const news = new Exchange('news', { type: 'topic' });
    const links = [to(0), to(1), to(2)];
    try {
      for (let round = 0; round < 30; round++) {
        const queue = new Queue(`q${round}`, { exchange: news, routingKey: `k${round}.#` });
        await queue.bind(links[round % 3] as Connection).declare();
        const other = links[(round + 1) % 3] as Connection;
        await other.producer({ exchange: news }).publish(round, { routingKey: `k${round}.x`, mandatory: true });
        const message = await queue.bind(links[(round + 2) % 3] as Connection).get();
        expect(message?.payload).toBe(round);
        await message?.ack({ confirm: true });
      }
    } finally {
      for (const link of links) await link.close();
    }
  });

  describe('when the leader dies', () => {
    let connection: Connection;
    let publisher: Connection;
    beforeAll(() => {
      connection = toAll();
      publisher = toAll();
    });
    afterAll(async () => {
      await connection.close();
      await publisher.close();
    });

    it('consumers and publishers go on at the others, in their sessions, and nothing is lost', async () => {
      const seen: number[] = [];
      const held: Message[] = [];
      const queue = new Queue('jobs');
      const consumer = connection.consumer({
        queues: [queue],
        prefetchCount: 5,
        onMessage: async (message) => {
          // The first one stays in hand all the time.
          if (held.length === 0) held.push(message);
          else {
            seen.push(message.payload as number);
            await message.ack();
          }
        },
      });
      await consumer.consume();
      const producer = publisher.producer();
      let sent = 0;
      const send = async (): Promise<void> => {
        await producer.publish(sent, {
          routingKey: 'jobs',
          retry: { maxRetries: 100, intervalStartMs: 50, intervalMaxMs: 200 },
        });
        sent += 1;
      };
      for (let n = 0; n < 20; n++) await send();
      await until(() => seen.length >= 19, { what: 'the first ones have come' });
      const leader = await ensemble.leader();
      await leader.kill?.();
      for (let n = 0; n < 20; n++) await send();
      await until(() => new Set(seen).size >= 39, { what: 'all have come but the one in hand', timeoutMs: 30_000 });
      await held[0]?.ack({ confirm: true });
      expect([...new Set([held[0]?.payload as number, ...seen])].sort((a, b) => a - b)).toEqual([...Array(40).keys()]);
      expect(seen).not.toContain(held[0]?.payload);
      await consumer.close();
      await leader.start?.();
    });
  });
}

describe('an ensemble of three servers', () => {
  if (isUnavailable(found)) it.skip(`skipped: ${found.unavailable}`, () => {});
  else suite(found);
});

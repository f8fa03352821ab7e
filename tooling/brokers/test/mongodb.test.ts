import { afterAll, describe, expect, it } from '@jest/globals';
import { isUnavailable, type Mongodb, startMongodb } from '@kombu/brokers';
import { MongoClient } from 'mongodb';

const started = await startMongodb({ password: 'p@ss' });

if (isUnavailable(started)) {
  describe('a MongoDB server', () => {
    it.skip(`skipped: ${started.unavailable}`, () => {});
  });
} else suite(started);

function suite(server: Mongodb): void {
  afterAll(() => server.close());

  async function withClient<T>(work: (client: MongoClient) => Promise<T>, url = server.url): Promise<T> {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  describe(`a MongoDB server (${server.product})`, () => {
    it('asks for its password, and keeps its data and port over a kill and a restart', async () => {
      await expect(withClient((client) => client.connect(), server.url.replace('p%40ss', 'wrong'))).rejects.toThrow();
      const notes = (client: MongoClient) => client.db('test').collection<{ _id: number; n: number }>('notes');
      await withClient((client) => notes(client).insertOne({ _id: 1, n: 1 }));
      await server.kill?.();
      await server.start?.();
      expect(await withClient((client) => notes(client).countDocuments())).toBe(1);
      const since = performance.now();
      await server.restart?.();
      expect(performance.now() - since).toBeLessThan(9000);
      expect(await withClient((client) => notes(client).countDocuments())).toBe(1);
    }, 60_000);

    it('gives one document to one of all who take it at the same time', async () => {
      const clients = Array.from({ length: 4 }, () => new MongoClient(server.url));
      const tasks = (client: MongoClient | undefined) => (client as MongoClient).db('test').collection('tasks');
      await tasks(clients[0]).insertMany(Array.from({ length: 20 }, (_, n) => ({ n, state: 'free' })));
      const taken: number[] = [];
      const work = async (client: MongoClient): Promise<void> => {
        for (;;) {
          const found = await tasks(client).findOneAndUpdate({ state: 'free' }, { $set: { state: 'taken' } });
          if (found === null) return;
          taken.push(found.n as number);
        }
      };
      await Promise.all(clients.map(work));
      expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
      await Promise.all(clients.map((client) => client.close()));
    }, 60_000);
  });
}

// The driver alone: what a message costs at least where a crash is to lose none. Published messages are inserted in batches of what
// came meanwhile; consumed ones are read, claimed and deleted in batches.
import { MongoClient, ObjectId } from 'mongodb';
import { countCalls } from './mongodb-calls.js';
import { run } from './scenarios.js';

const calls = countCalls();
const REST_MS = 5;
let settings;
let client;
let messages;
let unsent = [];
let state = 'idle';

const queue = () => `raw-${settings.id}`;

/** One insert at a time, of everything that waits. */
async function flush() {
  state = 'sending';
  await Promise.resolve();
  while (unsent.length > 0) {
    const group = unsent;
    unsent = [];
    const failure = await messages.insertMany(group.map(({ document }) => document)).then(
      () => undefined,
      (error) => error,
    );
    for (const { resolve, reject } of group) failure === undefined ? resolve() : reject(failure);
  }
  state = 'idle';
}

await run({
  async open(given) {
    settings = given;
    client = await new MongoClient(settings.url).connect();
    messages = client.db().collection('raw');
    await messages.createIndex({ queue: 1, priority: 1, _id: 1 });
  },
  clear: () => messages.deleteMany({ queue: queue() }),
  publish: (body) =>
    new Promise((resolve, reject) => {
      const document = { _id: new ObjectId(), queue: queue(), priority: 9, payload: JSON.stringify(body) };
      unsent.push({ document, resolve, reject });
      if (state === 'idle') void flush();
    }),
  counts: async () => ({ stored: await messages.countDocuments({ queue: queue() }) }),
  async consume(onBody) {
    const settled = [];
    let loopState = 'running';
    const owner = new ObjectId().toHexString();
    const loop = async () => {
      while (loopState === 'running') {
        const sort = { priority: 1, _id: 1 };
        const found = await messages.find({ queue: queue() }, { sort, limit: settings.prefetch ?? 100 }).toArray();
        if (found.length === 0) await new Promise((resolve) => setTimeout(resolve, REST_MS));
        if (found.length === 0) continue;
        const _id = { $in: found.map((document) => document._id) };
        const locked_until = new Date(Date.now() + 60_000);
        await messages.updateMany(
          { _id, queue: queue() },
          { $rename: { queue: 'reserved' }, $set: { owner, locked_until } },
        );
        for (const { payload } of found) onBody(JSON.parse(payload));
        // On its way while the next ones are read.
        settled.push(messages.deleteMany({ _id, owner }));
      }
    };
    const running = loop();
    return async () => {
      loopState = 'stopping';
      await running;
      await Promise.all(settled);
    };
  },
  calls,
  async close() {
    await messages.deleteMany({ queue: queue() });
    await client.close();
  },
});

// etcd3 in a bare loop of the calls that the transport makes: the names of 500 messages are listed, 100 are claimed and read in a
// transaction, and removed with their claims in another, while the next ones are claimed. Publishing is one put a message.
import { Etcd3 } from 'etcd3';
import { countCalls } from './etcd-calls.js';
import { run } from './scenarios.js';

const LISTED = 500;
const BATCH = 100;
/** Well below the 4 MiB that gRPC's client takes for an answer. */
const ANSWER_BYTES = 3 * 2 ** 20;
const calls = countCalls();
let settings;
let client;
let messages;
let claims;
let written = 0;

const bytes = (key) => Buffer.from(key, 'latin1');
const below = (prefix) => ({ key: bytes(prefix), range_end: bytes(prefix.replace(/\/$/, '0')) });
const absent = (key) => ({ key: bytes(key), target: 'Create', result: 'Equal', create_revision: '0' });
const remove = (key) => ({ request_delete_range: { key: bytes(key) } });

/** How many messages are claimed at a time. */
const batchOf = ({ prefetch = BATCH, bytes: size = 1 }) =>
  Math.max(1, Math.min(BATCH, prefetch, Math.floor(ANSWER_BYTES / size)));

/** Claims and reads messages; resolves with their bodies, and the way to settle them all. */
async function take(names) {
  const { responses, header } = await client.kv.txn({
    success: names.map((name) => ({
      request_txn: {
        compare: [absent(claims + name)],
        success: [
          { request_range: { key: bytes(messages + name) } },
          { request_put: { key: bytes(claims + name), value: bytes('me') } },
        ],
      },
    })),
  });
  const mine = (name) => ({ key: bytes(claims + name), target: 'Mod', result: 'Equal', mod_revision: header.revision });
  const settle = () =>
    client.kv.txn({
      success: names.map((name) => ({
        request_txn: { compare: [mine(name)], success: [remove(claims + name), remove(messages + name)] },
      })),
    });
  const bodies = responses.map(({ response_txn: one }) =>
    JSON.parse(one.responses[0].response_range.kvs[0].value.toString()),
  );
  return { bodies, settle };
}

await run({
  calls,
  async open(given) {
    settings = given;
    messages = `bench-${settings.id}/messages/`;
    claims = `bench-${settings.id}/claims/`;
    const { hostname, port } = new URL(settings.url);
    client = new Etcd3({ hosts: `http://${hostname}:${port}` });
  },
  clear: () => client.kv.deleteRange(below(`bench-${settings.id}/`)),
  publish: (body) =>
    client.kv.put({
      key: bytes(messages + String(written++).padStart(12, '0')),
      value: Buffer.from(JSON.stringify(body)),
    }),
  counts: async () => ({ stored: Number((await client.kv.range({ ...below(messages), count_only: true })).count) }),
  async consume(onBody) {
    const settling = new Set();
    let state = 'running';
    const loop = async () => {
      let from = messages;
      let names = [];
      while (state === 'running') {
        if (names.length === 0) {
          const { kvs } = await client.kv.range({
            ...below(messages),
            key: bytes(from),
            keys_only: true,
            limit: LISTED,
          });
          names = kvs.map(({ key }) => key.toString('latin1', messages.length));
          if (names.length > 0) from = `${messages}${names.at(-1)}\0`;
        }
        const batch = names.splice(0, batchOf(settings));
        if (batch.length === 0) continue;
        const { bodies, settle } = await take(batch);
        for (const body of bodies) onBody(body);
        const settled = settle();
        settling.add(settled);
        settled.then(() => settling.delete(settled));
      }
    };
    const running = loop();
    return async () => {
      state = 'stopping';
      await running;
      await Promise.all(settling);
    };
  },
  async close() {
    await client.kv.deleteRange(below(`bench-${settings.id}/`));
    client.close();
  },
});

// The raw driver in a bare loop of the calls that the transport makes: messages are claimed and read 32 in a transaction, and removed
// with their claims 32 in a transaction, while the next ones are claimed. Publishing is one PUT a message.
import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import Consul from 'consul';
import { countCalls } from './consul-calls.js';
import { run } from './scenarios.js';

const BATCH = 32;
let settings;
let consul;
let session;
let root;
let renewing;
let written = 0;

/** Does `onBatch` with what was claimed, until it is stopped. It lists again once everything is `settled`. */
function loop(onBatch, settled) {
  let going = true;
  const running = (async () => {
    let names = [];
    while (going) {
      if (names.length === 0) {
        await settled();
        names = await consul.kv.keys(`${root}/msg/`).catch(() => []);
      }
      const batch = names.splice(0, BATCH).map((key) => ({ key, claim: key.replace('/msg/', '/claim/') }));
      if (batch.length === 0) continue;
      const { Results } = await consul.transaction.create(
        batch.flatMap(({ key, claim }) => [
          { KV: { Verb: 'lock', Key: claim, Session: session } },
          { KV: { Verb: 'get', Key: key } },
        ]),
      );
      onBatch(
        batch.map((names, i) => ({
          ...names,
          index: Results[2 * i].KV.ModifyIndex,
          body: JSON.parse(Buffer.from(Results[2 * i + 1].KV.Value, 'base64').toString()),
        })),
      );
    }
  })();
  return () => {
    going = false;
    return running;
  };
}

await run({
  calls: countCalls(),
  async open(given) {
    settings = given;
    root = `bench/${settings.id}`;
    const { hostname, port } = new URL(settings.url);
    // Consul allows 200 connections from one machine.
    consul = new Consul({ host: hostname, port, agent: new Agent({ keepAlive: true, maxSockets: 64 }) });
    session = (await consul.session.create({ ttl: '30s', lockdelay: '0s', checks: [] })).ID;
    renewing = setInterval(() => consul.session.renew(session), 10_000);
  },
  clear: () => consul.kv.del({ key: `${root}/`, recurse: true }),
  async publish(body) {
    const key = `${root}/msg/${String(written++).padStart(12, '0')}_${randomUUID()}`;
    if (!(await consul.kv.set({ key, value: JSON.stringify(body), cas: 0 }))) throw new Error('it was not stored');
  },
  counts: async () => ({ stored: (await consul.kv.keys(`${root}/msg/`).catch(() => [])).length }),
  async consume(onBody) {
    const settling = new Set();
    const allSettled = () => Promise.all(settling);
    const onBatch = (batch) => {
      for (const { body } of batch) onBody(body);
      const settled = consul.transaction.create(
        batch.flatMap(({ key, claim, index }) => [
          { KV: { Verb: 'delete-cas', Key: claim, Index: index } },
          { KV: { Verb: 'delete', Key: key } },
        ]),
      );
      settling.add(settled);
      settled.then(() => settling.delete(settled));
    };
    const stop = loop(onBatch, allSettled);
    return async () => {
      await stop();
      await allSettled();
    };
  },
  async close() {
    clearInterval(renewing);
    await consul.kv.del({ key: `${root}/`, recurse: true });
    await consul.session.destroy(session);
    consul.destroy();
  },
});

// node-zookeeper-client alone: what a message costs at least where a crash is to lose none.
import { run } from './scenarios.js';
import { countCalls, openClient, promised } from './zookeeper-client.js';

const SEQUENTIAL = 2;
const calls = countCalls();
let settings;
let client;
let consuming;
let path;
let claims;

async function empty(at) {
  const names = await promised((done) => client.getChildren(at, done));
  for (let from = 0; from < names.length; from += 200) {
    const transaction = client.transaction();
    for (const name of names.slice(from, from + 200)) transaction.remove(`${at}/${name}`);
    await promised((done) => transaction.commit(done));
  }
}

/** Takes messages: what is in them, and one transaction that moves them. Resolves with the way to settle them all. */
async function take(names, onBody) {
  const data = await Promise.all(names.map((name) => promised((done) => consuming.getData(`${path}/${name}`, done))));
  const taking = consuming.transaction();
  for (const [i, name] of names.entries()) taking.remove(`${path}/${name}`).create(`${claims}/${name}`, data[i]);
  await promised((done) => taking.commit(done));
  const settling = consuming.transaction();
  for (const [i, name] of names.entries()) {
    onBody(JSON.parse(data[i].toString()));
    settling.remove(`${claims}/${name}`);
  }
  return () => promised((done) => settling.commit(done));
}

await run({
  async open(given) {
    settings = given;
    [path, claims] = [`/raw-${settings.id}`, `/raw-${settings.id}-claims`];
    client = await openClient(settings.url);
    consuming = await openClient(settings.url);
    for (const at of [path, claims]) await promised((done) => client.create(at, Buffer.alloc(0), done));
  },
  clear: () => empty(path),
  publish: (body) =>
    promised((done) => client.create(`${path}/entry-009-`, Buffer.from(JSON.stringify(body)), SEQUENTIAL, done)),
  counts: async () => ({ stored: (await promised((done) => client.exists(path, done))).numChildren }),
  async consume(onBody) {
    const settled = [];
    let state = 'running';
    let wake = () => {};
    const loop = async () => {
      while (state === 'running') {
        const changed = new Promise((resolve) => {
          wake = resolve;
        });
        const waiting = (await promised((done) => consuming.getChildren(path, () => wake(), done))).sort();
        if (waiting.length === 0) await changed;
        while (waiting.length > 0 && state === 'running') {
          const settle = await take(waiting.splice(0, settings.prefetch ?? 100), onBody);
          // On its way while the next ones are read.
          settled.push(settle());
        }
      }
    };
    const running = loop();
    return async () => {
      state = 'stopping';
      wake();
      await running;
      await Promise.all(settled);
    };
  },
  calls,
  async close() {
    for (const at of [path, claims]) {
      await empty(at);
      await promised((done) => client.remove(at, done));
    }
    client.close();
    consuming.close();
  },
});

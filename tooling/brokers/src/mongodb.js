import { startContainer } from './docker.js';
import { closeAll, envBroker, reached } from './env-broker.js';
import { isUnavailable } from './find.js';
import { ask, mongodbVersion, startMongodbNode } from './mongodb-node.js';
import { findMongodb } from './mongodb-program.js';
import { freePort } from './ports.js';
import { until } from './until.js';

/** @typedef {import('./types.d.ts').Mongodb} Mongodb */
/** @typedef {import('./types.d.ts').Unavailable} Unavailable */

const ENV_URL = 'KOMBU_TEST_MONGODB_URL';
const IMAGE = 'mongo:7';
const SET = 'kombu';

/** @type {typeof import('./types.d.ts').startMongodb} */
export async function startMongodb(options = {}) {
  const url = process.env[ENV_URL];
  if (url && options.password === undefined) return fromEnv(url);
  const found = await findMongodb({ docker: options.password === undefined, mongodOnly: false });
  if (isUnavailable(found)) return found;
  if (found.kind === 'docker') return startMongodbContainer(options.timeoutMs);
  return startMongodbNode(found, options);
}

/** @type {typeof import('./types.d.ts').startMongodbReplicaSet} */
export async function startMongodbReplicaSet({ members = 3, timeoutMs = 60_000 } = {}) {
  const found = await findMongodb({ docker: false, mongodOnly: true });
  if (isUnavailable(found) || found.kind === 'docker') {
    return { unavailable: isUnavailable(found) ? found.unavailable : 'there is no mongod' };
  }
  /** @type {Mongodb[]} */
  const nodes = [];
  const close = () => closeAll(nodes.map((node) => () => node.close()));
  try {
    while (nodes.length < members) nodes.push(await startMongodbNode(found, { timeoutMs, replicaSetName: SET }));
    const list = nodes.map(({ port }, _id) => ({ _id, host: `127.0.0.1:${port}` }));
    const first = /** @type {Mongodb} */ (nodes[0]);
    await ask(first.url, (client) =>
      client
        .db('admin')
        .command({ replSetInitiate: { _id: SET, members: list, settings: { electionTimeoutMillis: 1000 } } }),
    );
    const primary = async () => {
      for (const node of nodes) {
        const hello = await ask(node.url, (client) => client.db('admin').command({ hello: 1 })).catch(() => undefined);
        if (hello?.isWritablePrimary) return node;
      }
      return undefined;
    };
    const settled = () => until(primary, { what: 'the replica set has a primary', timeoutMs });
    await settled();
    return {
      ...first,
      url: `mongodb://${list.map(({ host }) => host).join(',')}/?replicaSet=${SET}`,
      nodes,
      primary: settled,
      async stepDown() {
        const before = await settled();
        await ask(before.url, (client) => client.db('admin').command({ replSetStepDown: 30, force: true })).catch(
          () => {},
        );
        await until(async () => (await primary())?.port !== before.port && (await primary()) !== undefined, {
          what: 'another primary',
          timeoutMs,
        });
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param {number | undefined} timeoutMs @returns {Promise<Mongodb>} */
async function startMongodbContainer(timeoutMs = 60_000) {
  const port = await freePort();
  const url = `mongodb://127.0.0.1:${port}/`;
  const ready = async () => (await mongodbVersion(url)) !== '';
  const container = await startContainer({ image: IMAGE, port, innerPort: 27017, args: [], ready, timeoutMs });
  const version = await mongodbVersion(url);
  return {
    ...container,
    name: 'mongodb',
    product: `mongod ${version} in Docker`,
    url,
    host: '127.0.0.1',
    port,
    version,
    replicaSet: undefined,
  };
}

/** @param {string} url @returns {Promise<Mongodb | Unavailable>} */
async function fromEnv(url) {
  return reached(ENV_URL, async () => {
    const version = await mongodbVersion(url);
    return {
      ...envBroker({ name: 'mongodb', url, defaultPort: 27017, version }),
      product: `the server of ${ENV_URL}, version ${version}`,
      replicaSet: undefined,
    };
  });
}

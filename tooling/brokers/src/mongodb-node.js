import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { temporaryFolder } from './folder.js';
import { FERRETDB } from './mongodb-ferretdb.js';
import { startTurnstile } from './mongodb-turnstile.js';
import { startOwnServer } from './own-server.js';
import { freePort } from './ports.js';

/** @typedef {import('./types.d.ts').Mongodb} Mongodb */
/** @typedef {Exclude<import('./mongodb-program.js').Found, { kind: 'docker' }>} Program */

const USER = 'kombu';

/**
 * What a server says of itself.
 *
 * @template T
 * @param {string} url
 * @param {(client: MongoClient) => Promise<T>} work
 */
export async function ask(url, work) {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 1000, directConnection: true });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** @param {string} url */
export async function mongodbVersion(url) {
  const { version } = await ask(url, (client) => client.db('admin').command({ buildInfo: 1 }));
  return String(version);
}

/**
 * @param {Program} found
 * @param {string} folder
 * @param {number} port
 * @param {{ replicaSet?: string | undefined, password?: string | undefined }} o
 */
function commandLine({ kind }, folder, port, { replicaSet, password }) {
  const data = path.join(folder, 'data');
  mkdirSync(data, { recursive: true });
  if (kind === 'mongod') {
    const args = ['--dbpath', data, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'];
    if (password !== undefined) args.push('--auth');
    return replicaSet === undefined ? args : [...args, '--replSet', replicaSet];
  }
  const args = ['--handler=sqlite', `--listen-addr=127.0.0.1:${port}`, '--debug-addr=-', '--telemetry=disable'];
  // What is written survives the end of the process, not of the machine: tests end processes.
  args.push(`--sqlite-url=file:${data}/?_pragma=synchronous(off)`, `--state-dir=${folder}`, '--log-level=WARN');
  if (password === undefined) return args;
  return [
    ...args,
    '--test-enable-new-auth',
    '--setup-database=admin',
    `--setup-username=${USER}`,
    `--setup-password=${password}`,
  ];
}

/**
 * Starts one server in a folder of its own.
 *
 * @param {Program} found
 * @param {import('./types.d.ts').MongodbOptions & { replicaSetName?: string }} options
 * @returns {Promise<Mongodb>}
 */
export async function startMongodbNode(found, { password, timeoutMs = 30_000, replicaSetName }) {
  const folder = await temporaryFolder('kombu-mongodb');
  const isFerretdb = found.kind === 'ferretdb';
  const port = await freePort();
  const inner = isFerretdb ? await freePort() : port;
  const plain = `mongodb://127.0.0.1:${inner}/`;
  const user = password === undefined ? '' : `${USER}:${encodeURIComponent(password)}@`;
  const url = `mongodb://${user}127.0.0.1:${port}/${password === undefined ? '' : '?authSource=admin'}`;
  const turnstile = isFerretdb ? await startTurnstile(inner, port) : undefined;
  return startOwnServer({
    name: found.kind,
    command: found.program,
    args: commandLine(found, folder.path, inner, { password, replicaSet: replicaSetName }),
    env: { ...process.env, DO_NOT_TRACK: '1' },
    folder,
    timeoutMs,
    ready: () => ask(plain, (client) => client.db('admin').command({ hello: 1 })),
    async stop(server) {
      const stopping = server.stop();
      // FerretDB waits for its clients to go.
      turnstile?.drop();
      await stopping;
    },
    beside: turnstile === undefined ? [] : [() => turnstile.close()],
    async about() {
      if (!isFerretdb && password !== undefined) await addUser(plain, password);
      const version = isFerretdb ? FERRETDB : await mongodbVersion(url);
      return {
        name: 'mongodb',
        product: isFerretdb ? `FerretDB ${version} with SQLite` : `mongod ${version}`,
        url,
        host: '127.0.0.1',
        port,
        version,
        origin: found.origin,
        replicaSet: replicaSetName,
        // mongod has no command for it; a relay in front of it can do the same.
        ...(turnstile === undefined
          ? {}
          : {
              killConnections: async () => turnstile.drop(),
              connectionCount: async () => turnstile.connections,
              commands: turnstile.commands,
            }),
      };
    },
  });
}

/** The first user of a mongod is made from this machine without one. @param {string} url @param {string} password */
async function addUser(url, password) {
  await ask(url, (client) =>
    client.db('admin').command({ createUser: USER, pwd: password, roles: [{ role: 'root', db: 'admin' }] }),
  );
}

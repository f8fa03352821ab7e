import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { startContainer } from './docker.js';
import { envBroker, reached } from './env-broker.js';
import { findServer, isUnavailable } from './find.js';
import { askHttp } from './http.js';
import { serverFolder, startOwnServer } from './own-server.js';
import { freePort } from './ports.js';
import { which } from './which.js';

/** @typedef {import('./types.d.ts').Etcd} Etcd */
/** @typedef {import('./types.d.ts').EtcdOptions} EtcdOptions */
/** @typedef {{ port: number, host?: string, ca?: string | undefined, user?: string | undefined, password?: string | undefined }} Address */

const ENV_URL = 'KOMBU_TEST_ETCD_URL';
const IMAGE = 'quay.io/coreos/etcd:v3.5.21';

export const startEtcd = /** @type {typeof import('./types.d.ts').startEtcd} */ (start);

/** @param {EtcdOptions} options */
async function start(options = {}) {
  const special = options.password !== undefined || options.tls || options.flags !== undefined;
  const url = process.env[ENV_URL];
  if (url && !special) return fromEnv(url);
  const found = await findServer({
    name: 'etcd',
    look: () => which(['etcd']),
    packages: ['etcd-server'],
    docker: !special,
  });
  if (isUnavailable(found)) return found;
  if (found.origin === 'docker') return startEtcdContainer(options);
  return startEtcdNode(found, options, options.port ?? (await freePort()));
}

/**
 * Starts one etcd in a folder of its own.
 *
 * @param {{ readonly program: string, readonly origin: 'path' | 'installed' }} found
 * @param {EtcdOptions} options
 * @param {number} port
 * @returns {Promise<Etcd | import('./types.d.ts').Unavailable>}
 */
async function startEtcdNode(found, options, port) {
  const place = await serverFolder('kombu-etcd', { tls: options.tls, parent: memoryFolder() });
  if (isUnavailable(place)) return place;
  const { folder, certificates } = place;
  const ca = certificates && (await readFile(certificates.caFile, 'utf8'));
  const scheme = certificates ? 'https' : 'http';
  const peer = `http://127.0.0.1:${await freePort()}`;
  const client = `${scheme}://127.0.0.1:${port}`;
  const args = ['--data-dir', `${folder.path}/data`, '--listen-client-urls', client, '--advertise-client-urls', client];
  args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`);
  // A single node elects itself at once, and leases may be as short as one second.
  args.push(
    '--heartbeat-interval',
    '50',
    '--election-timeout',
    '500',
    '--logger',
    'zap',
    '--bcrypt-cost',
    '4',
    ...(options.flags ?? []),
  );
  if (certificates) args.push('--cert-file', certificates.certFile, '--key-file', certificates.keyFile);
  const address = { port, ca };
  const { password } = options;
  const user = password === undefined ? undefined : 'root';
  return startOwnServer({
    name: 'etcd',
    command: found.program,
    args,
    folder,
    timeoutMs: options.timeoutMs ?? 30_000,
    ready: () => isHealthy(address),
    async about() {
      if (password !== undefined) await enableAuth(address, password);
      return {
        ...describeServer(address, user, password, certificates?.caFile),
        version: await version(address),
        origin: found.origin,
      };
    },
  });
}

/** @param {EtcdOptions} options @returns {Promise<Etcd>} */
async function startEtcdContainer(options) {
  const port = options.port ?? (await freePort());
  const address = { port };
  const inside = 'http://0.0.0.0:2379';
  const container = await startContainer({
    image: IMAGE,
    port,
    innerPort: 2379,
    args: ['etcd', '--listen-client-urls', inside, '--advertise-client-urls', inside],
    timeoutMs: options.timeoutMs ?? 60_000,
    ready: () => isHealthy(address),
  });
  return {
    ...describeServer(address, undefined, undefined, undefined),
    ...container,
    version: await version(address),
  };
}

/** @param {string} url */
async function fromEnv(url) {
  const broker = envBroker({ name: 'etcd', url, defaultPort: 2379, version: '' });
  const { username, password } = new URL(url);
  const address = {
    host: broker.host,
    port: broker.port,
    user: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password),
  };
  return reached(ENV_URL, async () => ({
    ...broker,
    version: await version(address),
    caFile: undefined,
    call: (/** @type {string} */ path, /** @type {object} */ body) => post(address, path, body),
  }));
}

/**
 * @param {Address} address
 * @param {string | undefined} user
 * @param {string | undefined} password
 * @param {string | undefined} caFile
 */
function describeServer(address, user, password, caFile) {
  const login = user === undefined ? '' : `${user}:${encodeURIComponent(password ?? '')}@`;
  return {
    name: 'etcd',
    url: `${caFile ? 'etcds' : 'etcd'}://${login}${caFile ? 'localhost' : '127.0.0.1'}:${address.port}`,
    host: '127.0.0.1',
    port: address.port,
    caFile,
    call: (/** @type {string} */ path, /** @type {object} */ body = {}) =>
      post({ ...address, user, password }, path, body),
  };
}

/** A folder in memory, where there is one: etcd waits for the disk at every write, and a killed process needs no disk. */
function memoryFolder() {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return undefined;
  }
}

/** @param {Address} address @param {string} password */
async function enableAuth(address, password) {
  await post(address, 'auth/user/add', { name: 'root', password });
  await post(address, 'auth/user/grant', { user: 'root', role: 'root' });
  await post(address, 'auth/enable', {});
}

/** @param {Address} address */
async function isHealthy(address) {
  return JSON.parse(await send(address, 'GET', '/health')).health === 'true';
}

/** @param {Address} address @returns {Promise<string>} */
async function version(address) {
  return JSON.parse(await send(address, 'GET', '/version')).etcdserver;
}

/**
 * Calls etcd's JSON gateway, below `/v3/`.
 *
 * @param {Address} address
 * @param {string} path
 * @param {object} body
 */
async function post(address, path, body) {
  const { user, password } = address;
  const login = JSON.stringify({ name: user, password });
  const token =
    user === undefined ? undefined : JSON.parse(await send(address, 'POST', '/v3/auth/authenticate', login)).token;
  return JSON.parse(await send(address, 'POST', `/v3/${path}`, JSON.stringify(body), token));
}

/**
 * @param {Address} address
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {string} [body]
 * @param {string} [token]
 * @returns {Promise<string>}
 */
async function send(address, method, path, body, token) {
  const headers = token === undefined ? {} : { authorization: token };
  const { status, text } = await askHttp(address, { name: 'etcd', method, path, headers, body });
  if (status !== 200) throw new Error(`etcd answered ${status} to ${path}: ${text.trim()}`);
  return text;
}

import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { makeCertificates } from './certificates.js';
import { startContainer } from './docker.js';
import { envBroker } from './env-broker.js';
import { findServer, isUnavailable } from './find.js';
import { temporaryFolder } from './folder.js';
import { freePort } from './ports.js';
import { spawnServer } from './server-process.js';
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
  const folder = await temporaryFolder('kombu-etcd', memoryFolder());
  const certificates = options.tls ? await makeCertificates(folder.path) : undefined;
  if (certificates && isUnavailable(certificates)) {
    await folder.remove();
    return certificates;
  }
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
  const boot = () =>
    spawnServer({
      name: 'etcd',
      command: found.program,
      args,
      folder: folder.path,
      timeoutMs: options.timeoutMs ?? 30_000,
      ready: () => isHealthy(address),
    });
  let server = await boot().catch(async (error) => {
    await folder.remove();
    throw error;
  });
  const { password } = options;
  const user = password === undefined ? undefined : 'root';
  if (password !== undefined) await enableAuth(address, password);
  /** @type {Promise<void> | undefined} */
  let closing;
  const close = () => {
    closing ??= server.kill().then(() => folder.remove());
    return closing;
  };
  const stop = () => server.stop();
  const startAgain = async () => {
    if (!server.running) server = await boot();
  };
  return {
    ...describeServer(address, user, password, certificates?.caFile),
    version: await version(address),
    origin: found.origin,
    get pid() {
      return server.pid;
    },
    stop,
    start: startAgain,
    async restart() {
      await stop();
      await startAgain();
    },
    kill: () => server.kill(),
    freeze: () => server.signal('SIGSTOP'),
    thaw: () => server.signal('SIGCONT'),
    log: () => server.log(),
    close,
    [Symbol.asyncDispose]: close,
  };
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
    origin: 'docker',
    pid: undefined,
    async restart() {
      await container.stop();
      await container.start();
    },
    log: () => '',
    [Symbol.asyncDispose]: container.close,
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
  try {
    return {
      ...broker,
      version: await version(address),
      caFile: undefined,
      call: (/** @type {string} */ path, /** @type {object} */ body) => post(address, path, body),
    };
  } catch (error) {
    return { unavailable: `${ENV_URL} is set, but nothing answers there: ${/** @type {Error} */ (error).message}` };
  }
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
function send({ host = '127.0.0.1', port, ca }, method, path, body, token) {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: token };
    const options = { host, port, path, method, ca, headers, agent: false, timeout: 5000 };
    const request = (ca === undefined ? httpRequest : httpsRequest)(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`etcd answered ${response.statusCode} to ${path}: ${text.trim()}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error('etcd does not answer')));
    request.on('error', reject).end(body);
  });
}

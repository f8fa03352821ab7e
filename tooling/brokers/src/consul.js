import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { unpackDebianPackage } from './debian-package.js';
import { dockerProblem, startContainer } from './docker.js';
import { envBroker, reached } from './env-broker.js';
import { isUnavailable } from './find.js';
import { askHttp } from './http.js';
import { serverFolder, startOwnServer } from './own-server.js';
import { freePort } from './ports.js';
import { which } from './which.js';

/** @typedef {import('./types.d.ts').Consul} Consul */
/** @typedef {import('./types.d.ts').ConsulOptions} ConsulOptions */
/** @typedef {import('./types.d.ts').ConsulCall} ConsulCall */
/** @typedef {{ port: number, host?: string, ca?: string | undefined, token?: string | undefined }} Address */

const ENV_URL = 'KOMBU_TEST_CONSUL_URL';
const IMAGE = 'hashicorp/consul:1.20';
/** The last release of Debian that has consul. */
const SUITE = 'bullseye';

export const startConsul = /** @type {typeof import('./types.d.ts').startConsul} */ (start);

/** @param {ConsulOptions} options */
async function start(options = {}) {
  const special = options.token !== undefined || options.tls || options.sessionTtlMin !== undefined;
  const url = process.env[ENV_URL];
  if (url && !special) return fromEnv(url);
  const found = await findConsul();
  if ('program' in found) return startConsulNode(found, options, options.port ?? (await freePort()));
  const problem = options.tls || options.token !== undefined ? 'Docker will not do for this' : await dockerProblem();
  if (problem !== undefined) return { unavailable: `${found.reason}; ${problem}` };
  return startConsulContainer(options);
}

/** @returns {Promise<{ readonly program: string, readonly origin: 'path' | 'installed' } | { readonly reason: string }>} */
async function findConsul() {
  const there = which(['consul']);
  if (there !== undefined) return { program: there, origin: 'path' };
  const unpacked = await unpackDebianPackage('consul', SUITE);
  if ('folder' in unpacked) return { program: path.join(unpacked.folder, 'usr/bin/consul'), origin: 'installed' };
  return { reason: `consul is not on the PATH; ${unpacked.reason}` };
}

/**
 * Starts one consul server in a folder of its own: its data is on disk.
 *
 * @param {{ readonly program: string, readonly origin: 'path' | 'installed' }} found
 * @param {ConsulOptions} options
 * @param {number} port
 * @returns {Promise<Consul | import('./types.d.ts').Unavailable>}
 */
async function startConsulNode(found, options, port) {
  const place = await serverFolder('kombu-consul', options);
  if (isUnavailable(place)) return place;
  const { folder, certificates } = place;
  const ca = certificates && (await readFile(certificates.caFile, 'utf8'));
  const [server, serf] = [await freePort(), await freePort()];
  const config = {
    server: true,
    bootstrap_expect: 1,
    node_name: 'kombu',
    data_dir: path.join(folder.path, 'data'),
    bind_addr: '127.0.0.1',
    client_addr: '127.0.0.1',
    disable_update_check: true,
    log_level: 'warn',
    ports: {
      http: certificates ? -1 : port,
      https: certificates ? port : -1,
      dns: -1,
      grpc: -1,
      server,
      serf_lan: serf,
      serf_wan: -1,
    },
    performance: { raft_multiplier: 1 },
    ...(options.sessionTtlMin === undefined ? {} : { session_ttl_min: options.sessionTtlMin }),
    ...(certificates ? { cert_file: certificates.certFile, key_file: certificates.keyFile } : {}),
    ...(options.token === undefined
      ? {}
      : { acl: { enabled: true, default_policy: 'deny', tokens: { master: options.token, agent: options.token } } }),
  };
  const address = { port, ca, token: options.token };
  return startOwnServer({
    name: 'consul',
    command: found.program,
    args: ['agent', '-hcl', JSON.stringify(config)],
    folder,
    timeoutMs: options.timeoutMs ?? 60_000,
    ready: () => isReady(address),
    // A server that is told to end in good order leaves its cluster; one that is only to come back is killed.
    stop: (child) => child.kill(),
    about: async () => ({
      ...describeServer(address, certificates?.caFile),
      version: await version(address),
      origin: found.origin,
    }),
  });
}

/** @param {ConsulOptions} options @returns {Promise<Consul>} */
async function startConsulContainer(options) {
  const port = options.port ?? (await freePort());
  const address = { port };
  const ttl = options.sessionTtlMin === undefined ? {} : { session_ttl_min: options.sessionTtlMin };
  const config = JSON.stringify({ server: true, bootstrap_expect: 1, ...ttl });
  const container = await startContainer({
    image: IMAGE,
    port,
    innerPort: 8500,
    args: ['agent', '-client', '0.0.0.0', '-data-dir', '/consul/data', '-hcl', config],
    timeoutMs: options.timeoutMs ?? 60_000,
    ready: () => isReady(address),
  });
  return {
    ...describeServer(address, undefined),
    ...container,
    version: await version(address),
  };
}

/** @param {string} url */
async function fromEnv(url) {
  const broker = envBroker({ name: 'consul', url, defaultPort: 8500, version: '' });
  const { password } = new URL(url);
  const address = { host: broker.host, port: broker.port, token: decodeURIComponent(password) || undefined };
  return reached(ENV_URL, async () => ({
    ...broker,
    ...describeServer(address, undefined),
    url,
    version: await version(address),
  }));
}

/** @param {Address} address @param {string | undefined} caFile */
function describeServer(address, caFile) {
  const host = address.host ?? '127.0.0.1';
  const login = address.token === undefined ? '' : `:${encodeURIComponent(address.token)}@`;
  const tls = caFile === undefined ? '' : `?ssl_ca_certs=${encodeURIComponent(caFile)}`;
  /** @type {ConsulCall} */
  const call = (method, where, body) => send(address, method, where, body);
  return {
    name: 'consul',
    url: `consul://${login}${host}:${address.port}/${tls}`,
    host,
    port: address.port,
    caFile,
    call,
  };
}

/** @param {Address} address */
async function isReady(address) {
  if ((await send(address, 'GET', 'status/leader')) === '') return false;
  // Only once this succeeds does the leader take writes.
  return send(address, 'PUT', 'kv/kombu-is-it-ready', '');
}

/** @param {Address} address @returns {Promise<string>} */
async function version(address) {
  return (await send(address, 'GET', 'agent/self')).Config.Version;
}

/**
 * Calls Consul's API, below `/v1/`.
 *
 * @param {Address} address
 * @param {'GET' | 'PUT' | 'DELETE'} method
 * @param {string} where
 * @param {string} [body]
 * @returns {Promise<any>}
 */
async function send(address, method, where, body) {
  const headers = address.token === undefined ? {} : { 'x-consul-token': address.token };
  const { status, text } = await askHttp(address, { name: 'consul', method, path: `/v1/${where}`, headers, body });
  if (status === 404) return undefined;
  if (status !== 200) throw new Error(`consul answered ${status} to ${where}: ${text.trim()}`);
  return JSON.parse(text);
}

import path from 'node:path';
import { isUnavailable } from './find.js';
import { serverFolder, startOwnServer } from './own-server.js';
import { redisCommand } from './resp.js';

/** @typedef {import('./types.d.ts').Redis} Redis */
/** @typedef {{ readonly program: string, readonly origin: 'path' | 'installed' }} Found */

/**
 * Starts one redis-server in a folder of its own.
 *
 * @param {Found} found
 * @param {import('./types.d.ts').RedisOptions} options
 * @param {{ port: number, directives?: readonly string[], sentinelConf?: (folder: string) => Promise<string> }} node
 * @returns {Promise<Redis | import('./types.d.ts').Unavailable>}
 */
export async function startRedisNode(found, options, { port, directives = [], sentinelConf }) {
  const place = await serverFolder('kombu-redis', options);
  if (isUnavailable(place)) return place;
  const { folder, certificates } = place;
  const socket = options.unixSocket ? path.join(folder.path, 'redis.sock') : undefined;
  const address = { port, password: options.password, caFile: certificates?.caFile };
  const args = sentinelConf
    ? [await sentinelConf(folder.path), '--sentinel']
    : [...redisArguments(options, port, socket, certificates), '--dir', folder.path, ...directives];
  const user = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
  return startOwnServer({
    name: 'redis-server',
    command: found.program,
    args,
    folder,
    timeoutMs: options.timeoutMs ?? 30_000,
    // PING is answered with LOADING until the data is there.
    ready: async () => (await redisCommand(address, ['PING'], 1000)) === 'PONG',
    about: async () => ({
      name: 'redis',
      url: `${options.tls ? 'rediss' : 'redis'}://${user}${options.tls ? 'localhost' : '127.0.0.1'}:${port}/0`,
      host: '127.0.0.1',
      port,
      version: await redisVersion(address),
      origin: found.origin,
      socket,
      socketUrl: socket && `redis+socket://${user}${socket}?virtual_host=0`,
      caFile: certificates?.caFile,
      command: (/** @type {readonly (string | number)[]} */ ...words) => redisCommand(address, words),
      async killConnections() {
        for (const type of ['normal', 'pubsub'])
          await redisCommand(address, ['CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes']);
      },
    }),
  });
}

/**
 * @param {import('./types.d.ts').RedisOptions} options
 * @param {number} port
 * @param {string | undefined} socket
 * @param {import('./types.d.ts').Certificates | undefined} certificates
 */
function redisArguments({ appendonly, password, config }, port, socket, certificates) {
  const args = ['--bind', '127.0.0.1', '--save', '', '--daemonize', 'no', '--enable-debug-command', 'local'];
  if (certificates === undefined) args.push('--port', String(port));
  else {
    args.push(
      '--port',
      '0',
      '--tls-port',
      String(port),
      '--tls-auth-clients',
      'no',
      '--tls-ca-cert-file',
      certificates.caFile,
    );
    args.push('--tls-cert-file', certificates.certFile, '--tls-key-file', certificates.keyFile);
  }
  args.push('--appendonly', appendonly ? 'yes' : 'no');
  if (appendonly) args.push('--appendfsync', appendonly === true ? 'always' : appendonly);
  if (socket !== undefined) args.push('--unixsocket', socket, '--unixsocketperm', '700');
  if (password !== undefined) args.push('--requirepass', password, '--masterauth', password);
  for (const [name, value] of Object.entries(config ?? {})) args.push(`--${name}`, ...String(value).split(' '));
  return args;
}

/** @param {Parameters<typeof redisCommand>[0]} address */
export async function redisVersion(address) {
  return /redis_version:(\S+)/.exec(String(await redisCommand(address, ['INFO', 'server'])))?.[1] ?? 'unknown';
}

import path from 'node:path';
import { makeCertificates } from './certificates.js';
import { isUnavailable } from './find.js';
import { temporaryFolder } from './folder.js';
import { redisCommand } from './resp.js';
import { spawnServer } from './server-process.js';

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
  const folder = await temporaryFolder('kombu-redis');
  const socket = options.unixSocket ? path.join(folder.path, 'redis.sock') : undefined;
  const certificates = options.tls ? await makeCertificates(folder.path) : undefined;
  if (certificates && isUnavailable(certificates)) {
    await folder.remove();
    return certificates;
  }
  const address = { port, password: options.password, caFile: certificates?.caFile };
  const args = sentinelConf
    ? [await sentinelConf(folder.path), '--sentinel']
    : [...redisArguments(options, port, socket, certificates), '--dir', folder.path, ...directives];
  const boot = () =>
    spawnServer({
      name: 'redis-server',
      command: found.program,
      args,
      folder: folder.path,
      timeoutMs: options.timeoutMs ?? 30_000,
      // PING is answered with LOADING until the data is there.
      ready: async () => (await redisCommand(address, ['PING'], 1000)) === 'PONG',
    });

  let server = await boot().catch(async (error) => {
    await folder.remove();
    throw error;
  });
  const version = await redisVersion(address);
  const stop = () => server.stop();
  const start = async () => {
    if (!server.running) server = await boot();
  };
  /** @type {Promise<void> | undefined} */
  let closing;
  const close = () => {
    closing ??= server.kill().then(() => folder.remove());
    return closing;
  };
  const user = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
  return {
    name: 'redis',
    url: `${options.tls ? 'rediss' : 'redis'}://${user}${options.tls ? 'localhost' : '127.0.0.1'}:${port}/0`,
    host: '127.0.0.1',
    port,
    version,
    origin: found.origin,
    get pid() {
      return server.pid;
    },
    socket,
    socketUrl: socket && `redis+socket://${user}${socket}?virtual_host=0`,
    caFile: certificates?.caFile,
    command: (...words) => redisCommand(address, words),
    stop,
    start,
    async restart() {
      await stop();
      await start();
    },
    kill: () => server.kill(),
    freeze: () => server.signal('SIGSTOP'),
    thaw: () => server.signal('SIGCONT'),
    async killConnections() {
      for (const type of ['normal', 'pubsub'])
        await redisCommand(address, ['CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes']);
    },
    log: () => server.log(),
    close,
    [Symbol.asyncDispose]: close,
  };
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

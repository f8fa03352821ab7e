import { startContainer } from './docker.js';
import { freePort } from './ports.js';
import { redisVersion } from './redis-node.js';
import { redisCommand } from './resp.js';

const IMAGE = 'redis:7';

/**
 * One redis-server in Docker.
 *
 * @param {import('./types.d.ts').RedisOptions} options
 * @returns {Promise<import('./types.d.ts').Redis>}
 */
export async function startRedisContainer({ port: wanted, appendonly, password, config, timeoutMs = 60_000 }) {
  const port = wanted ?? (await freePort());
  const address = { port, password };
  const args = ['redis-server', '--save', '', '--appendonly', appendonly ? 'yes' : 'no'];
  if (appendonly) args.push('--appendfsync', appendonly === true ? 'always' : appendonly);
  if (password !== undefined) args.push('--requirepass', password);
  for (const [name, value] of Object.entries(config ?? {})) args.push(`--${name}`, ...String(value).split(' '));
  const container = await startContainer({
    image: IMAGE,
    port,
    innerPort: 6379,
    args,
    timeoutMs,
    ready: async () => (await redisCommand(address, ['PING'], 1000)) === 'PONG',
  });
  return {
    ...container,
    name: 'redis',
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}/0`,
    host: '127.0.0.1',
    port,
    version: await redisVersion(address),
    socket: undefined,
    socketUrl: undefined,
    caFile: undefined,
    command: (...words) => redisCommand(address, words),
    async killConnections() {
      for (const type of ['normal', 'pubsub']) await redisCommand(address, ['CLIENT', 'KILL', 'TYPE', type]);
    },
  };
}

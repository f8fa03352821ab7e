import { envBroker, reached } from './env-broker.js';
import { findServer, isUnavailable } from './find.js';
import { freePort } from './ports.js';
import { startRedisCluster } from './redis-cluster.js';
import { startRedisContainer } from './redis-container.js';
import { redisVersion, startRedisNode } from './redis-node.js';
import { startRedisSentinel } from './redis-sentinel.js';
import { redisCommand } from './resp.js';
import { which } from './which.js';

/** @typedef {import('./types.d.ts').RedisOptions} RedisOptions */

const ENV_URL = 'KOMBU_TEST_REDIS_URL';

export const startRedis = /** @type {typeof import('./types.d.ts').startRedis} */ (start);

/** @param {RedisOptions} options */
async function start(options = {}) {
  const several = options.cluster !== undefined || Boolean(options.sentinel);
  const special =
    several || options.unixSocket || options.tls || options.appendonly || options.password || options.config;
  const url = process.env[ENV_URL];
  if (url && !special) return fromEnv(url);

  const found = await findServer({
    name: 'redis-server',
    look: () => which(['redis-server', 'valkey-server']),
    packages: several ? ['redis-server', 'redis-sentinel'] : ['redis-server'],
    docker: !several && !options.unixSocket && !options.tls,
  });
  if (isUnavailable(found)) return found;
  if (found.origin === 'docker') return startRedisContainer(options);
  if (options.cluster !== undefined) return startRedisCluster(found, options, options.cluster);
  if (options.sentinel) return startRedisSentinel(found, options);
  return startRedisNode(found, options, { port: options.port ?? (await freePort()) });
}

/** @param {string} url */
async function fromEnv(url) {
  const broker = envBroker({ name: 'redis', url, defaultPort: 6379, version: '' });
  const { password } = new URL(url);
  const server = { port: broker.port, password: password === '' ? undefined : decodeURIComponent(password) };
  return reached(ENV_URL, async () => ({
    ...broker,
    version: await redisVersion(server),
    socket: undefined,
    socketUrl: undefined,
    caFile: undefined,
    command: (/** @type {readonly (string | number)[]} */ ...words) => redisCommand(server, words),
  }));
}

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { closeAll } from './env-broker.js';
import { isUnavailable } from './find.js';
import { freePort } from './ports.js';
import { startRedisNode } from './redis-node.js';
import { until } from './until.js';

const MASTER = 'mymaster';
const DOWN_AFTER_MS = 1000;
const FAILOVER_TIMEOUT_MS = 5000;

/** @typedef {import('./types.d.ts').Redis} Redis */

/**
 * Starts a master, its replicas, and sentinels that watch them.
 *
 * @param {import('./redis-node.js').Found} found
 * @param {import('./types.d.ts').RedisOptions} options
 * @returns {Promise<import('./types.d.ts').RedisSentinel | import('./types.d.ts').Unavailable>}
 */
export async function startRedisSentinel(found, options) {
  const count = options.sentinel === true || options.sentinel === undefined ? 1 : Number(options.sentinel);
  /** @type {Redis[]} */
  const nodes = [];
  /** @type {Redis[]} */
  const sentinels = [];
  const close = () => closeAll([...nodes, ...sentinels].map((node) => () => node.close()));
  try {
    for (let index = 0; index <= (options.replicas ?? 1); index++) {
      const [master] = nodes;
      const directives = ['--repl-diskless-sync-delay', '0', '--repl-backlog-size', '16mb'];
      if (master) directives.push('--replicaof', '127.0.0.1', String(master.port));
      nodes.push(mine(await startRedisNode(found, options, { port: await freePort(), directives })));
    }
    const [master] = /** @type {[Redis]} */ (/** @type {unknown} */ (nodes));
    await replicasUp(nodes);
    for (let index = 0; index < count; index++) {
      const port = await freePort();
      const { password, ...plain } = options;
      const sentinelConf = (/** @type {string} */ folder) =>
        writeSentinelConf(folder, { port, master: master.port, quorum: Math.floor(count / 2) + 1, password });
      sentinels.push(mine(await startRedisNode(found, plain, { port, sentinelConf })));
    }
    await sentinelsReady(sentinels, nodes.length - 1);
  } catch (error) {
    await close();
    if (error instanceof Missing) return error.why;
    throw error;
  }
  return sentinelOf(nodes, sentinels, options.password, close);
}

class Missing extends Error {
  /** @param {import('./types.d.ts').Unavailable} why */
  constructor(why) {
    super(why.unavailable);
    this.why = why;
  }
}

/** @param {Redis | import('./types.d.ts').Unavailable} node */
function mine(node) {
  if (isUnavailable(node)) throw new Missing(node);
  return node;
}

/**
 * @param {string} folder
 * @param {{ port: number, master: number, quorum: number, password: string | undefined }} o
 */
async function writeSentinelConf(folder, { port, master, quorum, password }) {
  const file = path.join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${MASTER} 127.0.0.1 ${master} ${quorum}`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER} ${FAILOVER_TIMEOUT_MS}`,
  ];
  if (password !== undefined) lines.push(`sentinel auth-pass ${MASTER} ${JSON.stringify(password)}`);
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

/** @param {readonly Redis[]} nodes */
async function replicasUp([, ...replicas]) {
  for (const replica of replicas) {
    await until(async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'), {
      what: `replica ${replica.port} follows its master`,
      timeoutMs: 30_000,
    });
  }
}

/**
 * @param {readonly Redis[]} sentinels
 * @param {number} replicas
 */
async function sentinelsReady(sentinels, replicas) {
  for (const sentinel of sentinels) {
    await until(
      async () => {
        const about = fields(await sentinel.command('SENTINEL', 'MASTER', MASTER));
        return (
          Number(about['num-slaves']) === replicas && Number(about['num-other-sentinels']) === sentinels.length - 1
        );
      },
      { what: `sentinel ${sentinel.port} knows all nodes`, timeoutMs: 30_000 },
    );
  }
}

/**
 * @param {import('./types.d.ts').RedisReply} reply
 * @returns {Record<string, unknown>}
 */
function fields(reply) {
  const flat = Array.isArray(reply) ? reply : [];
  return Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1]]] : [])));
}

/**
 * @param {readonly Redis[]} nodes
 * @param {readonly Redis[]} sentinels
 * @param {string | undefined} password
 * @param {() => Promise<void>} close
 * @returns {import('./types.d.ts').RedisSentinel}
 */
function sentinelOf(nodes, sentinels, password, close) {
  const [first] = /** @type {[Redis]} */ (/** @type {unknown} */ (sentinels));
  const [firstNode] = /** @type {[Redis]} */ (/** @type {unknown} */ (nodes));
  /** @param {Redis} sentinel */
  const masterPort = async (sentinel) => {
    const address = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER);
    return Array.isArray(address) ? Number(address[1]) : Number.NaN;
  };
  const master = async () => {
    const port = await masterPort(first);
    const node = nodes.find((n) => n.port === port);
    if (node === undefined) throw new Error(`no node of ours is the master at ${port}`);
    return node;
  };
  const user = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return {
    name: 'redis-sentinel',
    url: sentinels.map((s) => `sentinel://${user}127.0.0.1:${s.port}/0`).join(';'),
    host: first.host,
    port: first.port,
    version: firstNode.version,
    origin: firstNode.origin,
    pid: first.pid,
    masterName: MASTER,
    nodes,
    sentinels,
    master,
    async failover() {
      const before = (await master()).port;
      await until(async () => (await first.command('SENTINEL', 'FAILOVER', MASTER)) === 'OK', {
        what: 'the sentinel takes the failover',
        timeoutMs: 30_000,
        everyMs: 200,
      });
      for (const sentinel of sentinels) {
        await until(async () => (await masterPort(sentinel)) !== before, { what: 'another master', timeoutMs: 30_000 });
      }
    },
    killConnections: async () => void (await Promise.all(nodes.map((node) => node.killConnections?.()))),
    log: () => [...nodes, ...sentinels].map((node) => node.log()).join('\n'),
    close,
    [Symbol.asyncDispose]: close,
  };
}

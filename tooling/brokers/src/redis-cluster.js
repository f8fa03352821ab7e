import { closeAll } from './env-broker.js';
import { isUnavailable } from './find.js';
import { freePort } from './ports.js';
import { startRedisNode } from './redis-node.js';
import { until } from './until.js';

const SLOTS = 16_384;

/** @typedef {import('./types.d.ts').Redis} Redis */

/**
 * Starts a Redis Cluster of `count` masters that own all slots.
 *
 * @param {import('./redis-node.js').Found} found
 * @param {import('./types.d.ts').RedisOptions} options
 * @param {number} count
 * @returns {Promise<import('./types.d.ts').RedisCluster | import('./types.d.ts').Unavailable>}
 */
export async function startRedisCluster(found, options, count) {
  /** @type {Redis[]} */
  const nodes = [];
  const close = () => closeAll(nodes.map((node) => () => node.close()));
  try {
    for (let index = 0; index < count; index++) {
      const bus = await freePort();
      const directives = ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '2000'];
      const node = await startRedisNode(found, options, { port: await freePort(), directives });
      if (isUnavailable(node)) {
        await close();
        return node;
      }
      nodes.push(node);
      const first = Math.floor((SLOTS * index) / count);
      const last = Math.floor((SLOTS * (index + 1)) / count) - 1;
      await node.command('CLUSTER', 'ADDSLOTSRANGE', first, last);
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      const [seed] = nodes;
      if (seed !== undefined && seed !== node)
        await node.command('CLUSTER', 'MEET', '127.0.0.1', seed.port, await busPort(seed));
    }
    await clusterReady(nodes);
  } catch (error) {
    await close();
    throw error;
  }
  return clusterOf(nodes, close);
}

/** @param {Redis} node */
async function busPort(node) {
  // The second line is the port; "myself" is the line that has the bus port: "id ip:port@bus,..."
  return Number(/@(\d+)/.exec(String(await node.command('CLUSTER', 'NODES')))?.[1]);
}

/** @param {readonly Redis[]} nodes */
async function clusterReady(nodes) {
  for (const node of nodes) {
    await until(
      async () => {
        const info = String(await node.command('CLUSTER', 'INFO'));
        return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`);
      },
      { what: `the cluster is up, as ${node.port} sees it`, timeoutMs: 30_000 },
    );
  }
}

/**
 * @param {readonly Redis[]} nodes
 * @param {() => Promise<void>} close
 * @returns {import('./types.d.ts').RedisCluster}
 */
function clusterOf(nodes, close) {
  const [first] = nodes;
  if (first === undefined) throw new Error('a cluster needs a node');
  /** @param {(node: Redis) => unknown} act */
  const all = async (act) => void (await Promise.all(nodes.map(act)));
  const start = async () => {
    await all((node) => node.start?.());
    await clusterReady(nodes);
  };
  const stop = () => all((node) => node.stop?.());
  return {
    name: 'redis-cluster',
    url: first.url,
    host: first.host,
    port: first.port,
    version: first.version,
    origin: first.origin,
    pid: first.pid,
    nodes,
    stop,
    start,
    async restart() {
      await stop();
      await start();
    },
    kill: () => all((node) => node.kill?.()),
    freeze: () => void all((node) => node.freeze?.()),
    thaw: () => void all((node) => node.thaw?.()),
    killConnections: () => all((node) => node.killConnections?.()),
    log: () => nodes.map((node) => node.log()).join('\n'),
    close,
    [Symbol.asyncDispose]: close,
  };
}

import { mkdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { closeAll, envBroker, reached } from './env-broker.js';
import { findServer, isUnavailable } from './find.js';
import { temporaryFolder } from './folder.js';
import { startOwnServer } from './own-server.js';
import { freePort } from './ports.js';
import { which } from './which.js';

const ENV_URL = 'KOMBU_TEST_ZOOKEEPER_URL';
/** Where Debian has the scripts, which are not on the PATH. */
const DEBIAN = '/usr/share/zookeeper/bin';
const SERVERS = 3;

/** @type {typeof import('./types.d.ts').startZookeeper} */
export async function startZookeeper(options = {}) {
  const url = process.env[ENV_URL];
  if (url && options.tickTime === undefined && options.config === undefined) return fromEnv(url);
  const found = await find();
  return isUnavailable(found) ? found : startNode(found, options, options.port ?? (await freePort()));
}

/** @type {typeof import('./types.d.ts').startZookeeperEnsemble} */
export async function startZookeeperEnsemble(options = {}) {
  const found = await find();
  if (isUnavailable(found)) return found;
  const servers = await Promise.all(
    Array.from({ length: SERVERS }, async () => `127.0.0.1:${await freePort()}:${await freePort()}`),
  );
  const config = {
    initLimit: 20,
    syncLimit: 10,
    ...Object.fromEntries(servers.map((server, i) => [`server.${i + 1}`, server])),
    ...options.config,
  };
  const ports = await Promise.all(servers.map(() => freePort()));
  // None of them is ready before most are there.
  const started = await Promise.allSettled(
    ports.map((port, i) => startNode(found, { ...options, config }, port, i + 1)),
  );
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const close = () => closeAll(nodes.map((node) => () => node.close()));
  const failed = started.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  return {
    url: nodes.map(({ url }) => url).join(';'),
    nodes,
    async leader() {
      const modes = await Promise.all(nodes.map((node) => node.fourLetters('srvr').catch(() => '')));
      const leader = nodes[modes.findIndex((mode) => mode.includes('Mode: leader'))];
      if (leader === undefined) throw new Error('no server leads');
      return leader;
    },
    close,
  };
}

/** @returns {Promise<import('./redis-node.js').Found | import('./types.d.ts').Unavailable>} */
async function find() {
  const found = await findServer({
    name: 'zkServer.sh',
    look: () => which(['zkServer.sh'], [DEBIAN]),
    packages: ['zookeeper', 'default-jre-headless'],
    docker: false,
  });
  return 'program' in found || isUnavailable(found) ? found : { unavailable: 'ZooKeeper is not run in Docker' };
}

/**
 * @param {import('./redis-node.js').Found} found
 * @param {import('./types.d.ts').ZookeeperOptions} options
 * @param {number} port
 * @param {number} [id] its number in an ensemble
 * @returns {Promise<import('./types.d.ts').Zookeeper>}
 */
async function startNode(found, options, port, id) {
  const folder = await temporaryFolder('kombu-zookeeper');
  const file = path.join(folder.path, 'zoo.cfg');
  const settings = {
    tickTime: options.tickTime ?? 500,
    dataDir: path.join(folder.path, 'data'),
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    'admin.enableServer': false,
    maxClientCnxns: 0,
    preAllocSize: 1024,
    '4lw.commands.whitelist': '*',
    ...options.config,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  await writeFile(file, `${lines.join('\n')}\n`);
  await mkdir(settings.dataDir);
  if (id !== undefined) await writeFile(path.join(settings.dataDir, 'myid'), `${id}\n`);
  let version = 'unknown';
  return startOwnServer({
    name: 'zookeeper',
    // The script turns into the Java machine.
    command: found.program,
    args: ['start-foreground', file],
    env: {
      PATH: process.env.PATH,
      ...(process.env.JAVA_HOME && { JAVA_HOME: process.env.JAVA_HOME }),
      ZOO_LOG_DIR: folder.path,
      ZOOPIDFILE: path.join(folder.path, 'pid'),
      JMXDISABLE: 'true',
      // Tests share the machine with it: a small heap, one collector, and no long compiling.
      JVMFLAGS: '-Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1',
    },
    folder,
    timeoutMs: options.timeoutMs ?? 60_000,
    ready: async () => {
      version = versionIn(await fourLetters(port, 'srvr')) ?? '';
      return version !== '';
    },
    about: () => ({
      name: 'zookeeper',
      url: `zookeeper://127.0.0.1:${port}`,
      host: '127.0.0.1',
      port,
      version,
      origin: found.origin,
      fourLetters: (/** @type {string} */ word) => fourLetters(port, word),
    }),
  });
}

/** @param {string} url */
async function fromEnv(url) {
  const broker = envBroker({ name: 'zookeeper', url, defaultPort: 2181, version: '' });
  return reached(ENV_URL, async () => ({
    ...broker,
    version: versionIn(await fourLetters(broker.port, 'srvr', broker.host)) ?? 'unknown',
    fourLetters: (/** @type {string} */ word) => fourLetters(broker.port, word, broker.host),
  }));
}

/** @param {string} answer */
function versionIn(answer) {
  return /Zookeeper version: ([\d.]+)/.exec(answer)?.[1];
}

/**
 * One of ZooKeeper's commands of four letters, on a connection of its own; resolves with everything that the server says.
 *
 * @param {number} port
 * @param {string} word
 * @param {string} [host]
 * @returns {Promise<string>}
 */
function fourLetters(port, word, host = '127.0.0.1') {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect({ port, host }, () => socket.write(word));
    socket.setTimeout(5000, () => socket.destroy(new Error(`no answer to '${word}'`)));
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      answer += text;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
  });
}

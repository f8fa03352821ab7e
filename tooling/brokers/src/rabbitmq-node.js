import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isUnavailable } from './find.js';
import { serverFolder, startOwnServer } from './own-server.js';
import { freePort } from './ports.js';
import { rabbitmqctl } from './rabbitmq-ctl.js';
import { amqpHandshake } from './rabbitmq-ready.js';
import { run } from './run.js';
import { spawnServer } from './server-process.js';
import { until } from './until.js';
import { which } from './which.js';

const DEBIAN = '/usr/lib/rabbitmq/lib';

/** Where Debian keeps the scripts that do not change user. */
export function debianScripts() {
  try {
    return readdirSync(DEBIAN).map((version) => path.join(DEBIAN, version, 'sbin'));
  } catch {
    return [];
  }
}

/**
 * Starts a RabbitMQ node and the epmd it registers with, all on ports and in folders of its own.
 *
 * @param {import('./redis-node.js').Found} found
 * @param {import('./types.d.ts').RabbitmqOptions} options
 * @param {number} port
 * @returns {Promise<import('./types.d.ts').Rabbitmq | import('./types.d.ts').Unavailable>}
 */
export async function startRabbitmqNode(found, options, port) {
  const epmdProgram = which(['epmd'], erlangFolders());
  if (epmdProgram === undefined) return { unavailable: 'rabbitmq-server is there, but epmd of Erlang is not' };
  const place = await serverFolder('kombu-rabbitmq', options);
  if (isUnavailable(place)) return place;
  const { folder, certificates } = place;
  const tlsPort = certificates && (await freePort());
  const epmdPort = await freePort();
  await writeFile(path.join(folder.path, 'rabbitmq.conf'), configuration(options, certificates, tlsPort));
  await writeFile(path.join(folder.path, 'enabled_plugins'), '[].\n');
  const env = await environment(folder.path, port, epmdPort);
  const pidFile = path.join(folder.path, 'pid');

  const names = () => run(epmdProgram, ['-port', String(epmdPort), '-names'], { env });
  const epmd = await spawnServer({
    name: 'epmd',
    command: epmdProgram,
    args: ['-port', String(epmdPort), '-address', '127.0.0.1'],
    env,
    folder: folder.path,
    timeoutMs: 10_000,
    ready: async () => (await names()).code === 0,
  });
  const ctl = rabbitmqctl(path.join(path.dirname(found.program), 'rabbitmqctl'), env);
  let version = 'unknown';
  return startOwnServer({
    name: 'rabbitmq-server',
    command: found.program,
    args: [],
    env,
    folder,
    timeoutMs: options.timeoutMs ?? 120_000,
    ready: async () => {
      version = await amqpHandshake(port);
      return true;
    },
    // A node that has just died may be registered still; a new one of its name is refused then.
    before: () => until(async () => !(await names()).stdout.includes('name '), { what: 'epmd has forgotten the node' }),
    async stop(server, signal) {
      signal('SIGCONT');
      signal('SIGTERM');
      const late = setTimeout(() => void server.kill(), 30_000);
      await server.exited;
      clearTimeout(late);
    },
    // The Erlang machine itself; the process we started may be the shell around it.
    pid: () => Number(readFileSync(pidFile, 'utf8')),
    beside: [() => epmd.kill()],
    about: () => ({
      name: 'rabbitmq',
      url: `amqp://guest:guest@127.0.0.1:${port}//`,
      tlsUrl: tlsPort === undefined ? undefined : `amqps://guest:guest@localhost:${tlsPort}//`,
      caFile: certificates?.caFile,
      host: '127.0.0.1',
      port,
      version,
      origin: found.origin,
      ctl,
      killConnections: async () => void (await ctl('close_all_connections', 'asked to by a test')),
    }),
  });
}

/** Erlang's own folders, where epmd is when it is not on the PATH. */
function erlangFolders() {
  try {
    return readdirSync('/usr/lib/erlang')
      .filter((name) => name.startsWith('erts-'))
      .map((name) => `/usr/lib/erlang/${name}/bin`);
  } catch {
    return [];
  }
}

/**
 * @param {string} folder
 * @param {number} port
 * @param {number} epmdPort
 */
async function environment(folder, port, epmdPort) {
  for (const name of ['mnesia', 'log', 'home']) mkdirSync(path.join(folder, name));
  return {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: path.join(folder, 'home'),
    RABBITMQ_NODENAME: `kombu${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(await freePort()),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_MNESIA_BASE: path.join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: path.join(folder, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(folder, 'enabled_plugins'),
    RABBITMQ_PID_FILE: path.join(folder, 'pid'),
    RABBITMQ_CONFIG_FILE: path.join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    // Of rabbitmqctl, too, which runs in the folder of the test.
    ERL_CRASH_DUMP: path.join(folder, 'erl_crash.dump'),
    // The script turns into the Erlang machine, instead of staying as its parent.
    detached: 'true',
    // One scheduler that sleeps when there is nothing to do: tests share the machine with it.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}',
  };
}

/**
 * @param {import('./types.d.ts').RabbitmqOptions} options
 * @param {import('./types.d.ts').Certificates | undefined} certificates
 * @param {number | undefined} tlsPort
 */
function configuration({ config = {} }, certificates, tlsPort) {
  const lines = ['log.console = true', 'log.file = false', 'disk_free_limit.absolute = 50MB'];
  if (certificates) {
    lines.push(`listeners.ssl.default = 127.0.0.1:${tlsPort}`, `ssl_options.cacertfile = ${certificates.caFile}`);
    lines.push(`ssl_options.certfile = ${certificates.certFile}`, `ssl_options.keyfile = ${certificates.keyFile}`);
    lines.push('ssl_options.verify = verify_none', 'ssl_options.fail_if_no_peer_cert = false');
  }
  for (const [name, value] of Object.entries(config)) lines.push(`${name} = ${value}`);
  return `${lines.join('\n')}\n`;
}

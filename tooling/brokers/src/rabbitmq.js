import { envBroker, reached } from './env-broker.js';
import { findServer, isUnavailable } from './find.js';
import { freePort } from './ports.js';
import { startRabbitmqContainer } from './rabbitmq-container.js';
import { debianScripts, startRabbitmqNode } from './rabbitmq-node.js';
import { amqpHandshake } from './rabbitmq-ready.js';
import { which } from './which.js';

const ENV_URL = 'KOMBU_TEST_AMQP_URL';

/** @type {typeof import('./types.d.ts').startRabbitmq} */
export async function startRabbitmq(options = {}) {
  const url = process.env[ENV_URL];
  if (url && !options.tls && !options.config) return fromEnv(url);
  const found = await findServer({
    name: 'rabbitmq-server',
    // Debian's own script changes to another user, who may not write our folders; what it calls does not.
    look: () => which(['rabbitmq-server'], debianScripts()),
    packages: ['rabbitmq-server'],
    docker: !options.tls,
  });
  if (isUnavailable(found)) return found;
  if (found.origin === 'docker') return startRabbitmqContainer(options);
  return startRabbitmqNode(found, options, options.port ?? (await freePort()));
}

/** @param {string} url */
async function fromEnv(url) {
  const broker = envBroker({ name: 'rabbitmq', url, defaultPort: url.startsWith('amqps') ? 5671 : 5672, version: '' });
  return reached(ENV_URL, async () => {
    const version = url.startsWith('amqps') ? 'unknown' : await amqpHandshake(broker.port, broker.host);
    return { ...broker, version, tlsUrl: undefined, caFile: undefined };
  });
}

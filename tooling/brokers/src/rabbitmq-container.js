import { startContainer } from './docker.js';
import { freePort } from './ports.js';
import { amqpHandshake } from './rabbitmq-ready.js';

const IMAGE = 'rabbitmq:4';

/**
 * A RabbitMQ node in Docker.
 *
 * @param {import('./types.d.ts').RabbitmqOptions} options
 * @returns {Promise<import('./types.d.ts').Rabbitmq>}
 */
export async function startRabbitmqContainer({ port: wanted, timeoutMs = 120_000 }) {
  const port = wanted ?? (await freePort());
  let version = 'unknown';
  const container = await startContainer({
    image: IMAGE,
    port,
    innerPort: 5672,
    args: [],
    timeoutMs,
    ready: async () => {
      version = await amqpHandshake(port);
      return true;
    },
  });
  return {
    ...container,
    name: 'rabbitmq',
    url: `amqp://guest:guest@127.0.0.1:${port}//`,
    tlsUrl: undefined,
    caFile: undefined,
    host: '127.0.0.1',
    port,
    version,
  };
}

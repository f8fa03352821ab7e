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
  const { start, stop, kill, freeze, thaw, close } = await startContainer({
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
    name: 'rabbitmq',
    url: `amqp://guest:guest@127.0.0.1:${port}//`,
    tlsUrl: undefined,
    caFile: undefined,
    host: '127.0.0.1',
    port,
    version,
    origin: 'docker',
    pid: undefined,
    start,
    stop,
    async restart() {
      await stop();
      await start();
    },
    kill,
    freeze,
    thaw,
    log: () => '',
    close,
    [Symbol.asyncDispose]: close,
  };
}

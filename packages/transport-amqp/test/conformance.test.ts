import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, isUnavailable, type Rabbitmq, startRabbitmq } from '@kombu/brokers';
import { body, describeTransport, publishConsume } from '@kombu/conformance';
import { Connection } from '@kombu/core';
import { amqp } from '../src/index.js';
import { diagnose } from './support/diagnose.js';

const server = await startRabbitmq({ config: { default_user: 'kombu', default_pass: 'pass word' } });
const nowhere = await freePort();

function suite(broker: Rabbitmq): void {
  const url = (user: string, password: string, port = broker.port): string =>
    `amqp://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}//`;
  const handle = { url: url('kombu', 'pass word'), port: broker.port };
  const missing = (): Promise<never> => Promise.reject(new Error('this broker is not ours'));
  describeTransport({
    name: 'amqp',
    runner: { describe, it, beforeAll, afterAll, expect },
    refusesName: (name) => /[\r\n]/.test(name),
    open: (at, options) => new Connection(at.url, { transport: amqp, ...options }),
    broker: {
      start: async () => handle,
      stop: () => broker.close(),
      restart: () => broker.restart?.() ?? missing(),
      killConnections: () => broker.killConnections?.() ?? missing(),
      connectionCount: async () => {
        const listed = await (broker.ctl?.('list_connections', '--silent', '--no-table-headers', 'pid') ?? missing());
        return listed.split('\n').filter((line) => line.trim() !== '').length;
      },
      diagnose: () => diagnose(broker),
      refused: () => ({ url: url('kombu', 'pass word', nowhere) }),
      badCredentials: () => ({ url: url('kombu', 'wrong') }),
      through: (_, port) => ({ url: url('kombu', 'pass word', port) }),
    },
    child: { module: new URL('../dist/index.js', import.meta.url) },
    variants: [
      { name: 'failover', broker: (b) => ({ ...b, url: `${url('kombu', 'pass word', nowhere)};${b.url}` }) },
      { name: 'compression', producer: { compression: 'zlib' } },
      {
        name: 'no confirms',
        connection: { transportOptions: { confirmPublish: false } },
        groups: [publishConsume, body],
      },
    ],
  });
}

if (isUnavailable(server)) describe('conformance: amqp', () => it.skip(`skipped: ${server.unavailable}`, () => {}));
else suite(server);

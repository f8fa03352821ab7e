import { afterAll, describe, it, jest } from '@jest/globals';
import { isUnavailable, startRabbitmq } from '@kombu/brokers';
import { startPython } from '@kombu/interop';
import { describePatterns } from '../../transport-redis/test/support/patterns.js';
import { amqp } from '../src/index.js';

jest.setTimeout(120_000);
const broker = await startRabbitmq();
const python = { '5.2': await startPython({ version: '5.2' }), latest: await startPython({ version: 'latest' }) };

afterAll(async () => {
  for (const peer of Object.values(python)) if (!isUnavailable(peer)) await peer.close();
  if (!isUnavailable(broker)) await broker.close();
});

if (isUnavailable(broker)) {
  describe('patterns on RabbitMQ', () => it.skip(`skipped: ${broker.unavailable}`, () => {}));
} else {
  describePatterns({
    name: 'RabbitMQ',
    url: broker.url,
    transport: amqp,
    killConnections: async () => void (await broker.killConnections?.()),
    restart: broker.restart && (async () => void (await broker.restart?.())),
    python,
  });
}

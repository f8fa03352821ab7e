import { afterAll, describe, it, jest } from '@jest/globals';
import { isUnavailable, startRabbitmq } from '@kombu/brokers';
import { describeHelpers } from '../../transport-redis/test/support/helpers.js';
import { amqp } from '../src/index.js';

jest.setTimeout(120_000);
const broker = await startRabbitmq();

afterAll(async () => {
  if (!isUnavailable(broker)) await broker.close();
});

if (isUnavailable(broker)) {
  describe('helpers on RabbitMQ', () => it.skip(`skipped: ${broker.unavailable}`, () => {}));
} else {
  describeHelpers({
    name: 'RabbitMQ',
    url: broker.url,
    transport: amqp,
    killConnections: async () => void (await broker.killConnections?.()),
  });
}

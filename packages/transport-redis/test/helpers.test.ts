import { afterAll, jest } from '@jest/globals';
import { redis } from '../src/index.js';
import { describeHelpers } from './support/helpers.js';
import { startServer } from './support/server.js';

jest.setTimeout(60_000);
const server = await startServer();

afterAll(() => server.close());

describeHelpers({
  name: 'Redis',
  url: server.url,
  transport: redis,
  killConnections: async () => void (await server.killConnections?.()),
});

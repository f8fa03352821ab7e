import { afterAll, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@kombu/brokers';
import { Connection } from '@kombu/core';
import { filesystem } from '../src/index.js';

const folder = await temporaryFolder('kombu-rpc');
afterAll(() => folder.remove());

describe('a call to a queue that nobody has declared', () => {
  it('ends at once where it is mandatory, and else with its time', async () => {
    await using connection = new Connection(`filesystem://${folder.path}`, { transport: filesystem });
    await using client = connection.rpcClient();
    const missing = client.call('missing', 1, { mandatory: true });
    await expect(missing).rejects.toMatchObject({ code: 'ERR_KOMBU_NO_ROUTE' });
    const patient = client.call('missing', 1, { timeoutMs: 100 });
    await expect(patient).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
    await using _server = await connection.rpcServer('there', (body: number) => body + 1);
    expect(await client.call('there', 1, { mandatory: true })).toBe(2);
  });
});

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Connection, Exchange, Queue } from '@kombu/core';
import { goldenEnvelope } from '@kombu/interop';
import { zookeeper } from '../src/index.js';
import { connectRaw, type RawClient, startServer } from './support/server.js';

type Nodes = Record<string, string>;
const golden: { declared: Nodes; published: Nodes; delivered: Nodes; first: unknown } = JSON.parse(
  readFileSync(new URL('./golden/zookeeper-5.2.4.json', import.meta.url), 'utf8'),
).cases;

const server = await startServer();
let raw: RawClient;
let connection: Connection;
const video = new Queue('video', { exchange: new Exchange('media', { type: 'direct' }), routingKey: 'video' });

beforeAll(async () => {
  raw = await connectRaw(server);
  connection = new Connection(`zookeeper://127.0.0.1:${server.port}/vh1`, { transport: zookeeper });
});
afterAll(async () => {
  await connection.close();
  await raw.close();
  await server.close();
});

/** Everything below a virtual host but what is ours, as the golden file has it. */
async function nodesOf(path: string): Promise<Nodes> {
  const nodes: Nodes = { [path]: (await raw.data(path)) ?? '' };
  for (const name of (await raw.children(path)) ?? []) {
    if (name !== '.kombu') Object.assign(nodes, await nodesOf(`${path}/${name}`));
  }
  return nodes;
}

/** The nodes of the virtual host in the golden file, envelopes without what differs from message to message. */
function normal(nodes: Nodes): Record<string, unknown> {
  const ours = Object.entries(nodes).filter(([path]) => path.startsWith('/vh1'));
  return Object.fromEntries(ours.map(([path, text]) => [path, text === '' ? text : goldenEnvelope(text)]));
}

describe('what is stored is what Python Kombu stores', () => {
  it('a queue that was declared, messages by priority, and what is left when one was taken', async () => {
    await video.bind(connection).declare();
    expect(normal(await nodesOf('/vh1'))).toEqual(normal(golden.declared));
    const producer = connection.producer({ exchange: video.exchange as Exchange, routingKey: 'video' });
    await producer.publish({ a: 1 }, { priority: 5 });
    await producer.publish({ b: 1 });
    expect(normal(await nodesOf('/vh1'))).toEqual(normal(golden.published));
    const message = await video.bind(connection).get();
    expect(message?.payload).toEqual(golden.first);
    expect(normal(await nodesOf('/vh1'))).toEqual(normal(golden.delivered));
    await message?.ack({ confirm: true });
    expect(normal(await nodesOf('/vh1'))).toEqual(normal(golden.delivered));
  });
});

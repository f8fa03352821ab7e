import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FaultProxy, type Sqs, startProxy, startSqs } from '@kombu/brokers';
import {
  allGroups,
  type BrokerHandle,
  type BrokerHooks,
  body,
  describeTransport,
  get,
  leaks,
  routingFanout,
  settle,
} from '@kombu/conformance';
import { Connection, type ConnectionOptions } from '@kombu/core';
import { sqs } from '../src/index.js';

/** What a connection gets unless its case wants something else: a receive in flight outlives its connection for no longer than that. */
const OPTIONS = { waitTimeMs: 1000 };
const POLLED = { waitTimeMs: 0, pollingIntervalMs: 50 };

interface Handle extends BrokerHandle {
  readonly server: Sqs;
  readonly proxy: FaultProxy;
}

const withWait = (options: ConnectionOptions): ConnectionOptions => ({
  transport: sqs,
  ...options,
  transportOptions: { ...OPTIONS, ...options.transportOptions },
});

/** An outage: what SQS has of a restart. Its queues stay. */
async function outage({ proxy }: Handle): Promise<void> {
  proxy.cut();
  await sleep(300);
  proxy.resume();
}

/** A server of its own for each suite, behind a proxy. */
const broker: BrokerHooks<Handle> = {
  start: async () => {
    const server = await startSqs();
    const proxy = await startProxy(server.port);
    return { server, proxy, url: proxy.through(server.url), port: server.port };
  },
  stop: async ({ server, proxy }) => {
    await proxy.close();
    await server.close();
  },
  restart: outage,
  refused: (broker) => ({ ...broker, url: 'sqs://kombu:secret@127.0.0.1:1' }),
  badCredentials: (broker) => ({ ...broker, url: broker.url.replace('kombu:', 'nobody:') }),
  through: (broker, port) => ({ ...broker, url: broker.server.url.replace(/:\d+$/, `:${port}`) }),
};

describeTransport<Handle>({
  name: 'sqs',
  runner: { describe, it, beforeAll, afterAll, expect },
  refusesName: (name) => !/^[!-~]{1,80}$/.test(name),
  open: (broker, options) => new Connection(broker.url, withWait(options)),
  broker,
  child: {
    module: new URL('../dist/index.js', import.meta.url),
    connect: ({ url }) => ({ url, options: { transportOptions: OPTIONS } }),
  },
  groups: allGroups.filter((group) => group !== leaks),
  // A child process loads the SDK, on a machine that may be busy.
  waitMs: 20_000,
  variants: [
    {
      name: 'failover, compression, polled, plain JSON, with a prefix',
      broker: (b) => ({ ...b, url: `sqs://kombu:secret@127.0.0.1:1;${b.url}` }),
      connection: {
        transportOptions: { ...POLLED, base64Encoding: false, queueNamePrefix: 'test.' },
      },
      producer: { compression: 'zlib' },
      groups: [get, settle, body],
    },
    {
      name: 'fanout through SNS',
      connection: { transportOptions: { supportsFanout: true } },
      groups: [routingFanout],
    },
  ],
});

// A hundred connections are closed there, one after the other: polled, so that none has a receive to wait for.
describeTransport<Handle>({
  name: 'sqs, polled',
  runner: { describe, it, beforeAll, afterAll, expect },
  open: ({ url }, { transportOptions, ...options }) =>
    new Connection(url, withWait({ ...options, transportOptions: { ...POLLED, ...transportOptions } })),
  broker,
  groups: [leaks],
  waitMs: 20_000,
});

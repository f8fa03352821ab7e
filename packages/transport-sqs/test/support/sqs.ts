import { type Sqs, startSqs } from '@kombu/brokers';
import { Connection, type ConnectionOptions } from '@kombu/core';
import { type SqsOptions, sqs } from '../../src/index.js';

/** A server, and connections to it that wait for a second at most, so that no receive outlives its test for long. */
export interface Service {
  readonly server: Sqs;
  connect(options?: ConnectionOptions, transportOptions?: SqsOptions & { leaseMs?: number }): Connection;
  /** How often each action was called while `work` ran. */
  counted(work: () => Promise<unknown>): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

export const WAIT_MS = 1000;

/** Starts a server of its own. */
export async function startService(): Promise<Service> {
  const server = await startSqs();
  const open = new Set<Connection>();
  return {
    server,
    connect(options = {}, transportOptions = {}) {
      const own = { waitTimeMs: WAIT_MS, ...transportOptions };
      const connection = new Connection(server.url, { transport: sqs, ...options, transportOptions: own });
      open.add(connection);
      return connection;
    },
    async counted(work) {
      await server.resetCalls();
      await work();
      return server.calls();
    },
    async close() {
      await Promise.all([...open].map((connection) => connection.close()));
      await server.close();
    },
  };
}

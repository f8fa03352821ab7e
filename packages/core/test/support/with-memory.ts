import { Connection, type ConnectionOptions, type KombuError, type MemoryTransport, Queue } from '../../src/index.js';
import { openMemory } from './memory.js';

/** What every test of a file starts with. */
export interface MemoryTestSetup {
  /** Queues that are declared before the test runs. */
  readonly declare?: readonly Queue[];
  /** Options of the connection, made for each test. */
  readonly options?: () => ConnectionOptions;
  /** How long closing waits for handlers; default: as long as it does for everybody. */
  readonly drainMs?: number;
}

/** A test over a broker of its own; `given` adds to the options of the connection, or is the connection. */
export type MemoryTest = (
  run: (connection: Connection, transport: MemoryTransport) => Promise<void>,
  given?: ConnectionOptions | Connection,
) => Promise<void>;

/** Makes the function that the tests of a file run in: each with a connection to a memory broker of its own. */
export function memoryTest({ declare = [], options = () => ({}), drainMs }: MemoryTestSetup = {}): MemoryTest {
  return async (run, given = {}) => {
    const { connection: own, transport } = openMemory(given instanceof Connection ? {} : { ...options(), ...given });
    const connection = given instanceof Connection ? given : own;
    try {
      for (const queue of declare) await queue.bind(connection).declare();
      await run(connection, transport);
    } finally {
      transport.refuseConnections = false;
      await connection.close(drainMs === undefined ? undefined : { drainMs });
    }
  };
}

/** The numbers from 0 to `count` - 1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Publishes bodies to a queue. */
export function put(connection: Connection, bodies: Iterable<unknown>, routingKey = 'q'): Promise<void> {
  return connection.producer().publishMany(bodies, { routingKey });
}

/** How many messages wait in a queue. */
export async function ready(connection: Connection, name = 'q'): Promise<number> {
  return (await new Queue(name).bind(connection).queueDeclare({ passive: true })).messageCount;
}

/** The error that a promise rejects with; throws when it does not. */
export function failure(promise: Promise<unknown>): Promise<KombuError> {
  return promise.then(
    () => {
      throw new Error('it was to fail');
    },
    (error) => error,
  );
}

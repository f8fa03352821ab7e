import { Connection } from '@kombu/core';
import { startWorker } from './worker.js';

// A worker in a process of its own. The parent says over the process's message channel what to do, as it may hold a password.
export interface StartWorker {
  readonly start: {
    readonly broker: string;
    readonly transportOptions: object;
    readonly id: string;
    readonly name: string;
    readonly prefetchCount: number;
    /** After so many tasks it keeps the next one, says so, and does nothing more: to be killed. */
    readonly holdAfter: number | undefined;
  };
}

export type FromParent = StartWorker | 'stop';
export type FromWorker = 'ready' | 'holding';

const tell = (what: FromWorker): void => {
  process.send?.(what);
};

let connection: Connection | undefined;
let tasks = 0;

process.on('disconnect', () => process.exit(0));
process.on('message', async (said: FromParent) => {
  if (said === 'stop') {
    await connection?.close();
    process.disconnect();
  } else {
    const { broker, transportOptions, holdAfter = Number.POSITIVE_INFINITY, ...options } = said.start;
    connection = new Connection(broker, { transportOptions });
    await startWorker(connection, {
      ...options,
      hold: () => {
        if (++tasks <= holdAfter) return false;
        tell('holding');
        return true;
      },
    });
    tell('ready');
  }
});

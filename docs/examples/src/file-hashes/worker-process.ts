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
  };
}

export type FromParent = StartWorker | 'hold' | 'stop';
export type FromWorker = 'ready' | 'holding';

const tell = (what: FromWorker): void => {
  process.send?.(what);
};

let connection: Connection | undefined;
let holding = false;

process.on('disconnect', () => process.exit(0));
process.on('message', async (said: FromParent) => {
  if (said === 'hold') {
    holding = true;
  } else if (said === 'stop') {
    await connection?.close();
    process.disconnect();
  } else {
    const { broker, transportOptions, ...options } = said.start;
    connection = new Connection(broker, { transportOptions });
    await startWorker(connection, {
      ...options,
      hold: () => {
        if (holding) tell('holding');
        return holding;
      },
    });
    tell('ready');
  }
});

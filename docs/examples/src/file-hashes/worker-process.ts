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
    /** It says when it has begun so many tasks. */
    readonly tellAfter: number | undefined;
  };
}

/** `hold`: keep the next task, say so, and do nothing more, to be killed. */
export type FromParent = StartWorker | 'hold' | 'stop';
export type FromWorker = 'ready' | 'reached' | 'holding';

const tell = (what: FromWorker): void => {
  process.send?.(what);
};

let connection: Connection | undefined;
let tasks = 0;
let state: 'working' | 'holding' = 'working';

process.on('disconnect', () => process.exit(0));
process.on('message', async (said: FromParent) => {
  if (said === 'stop') {
    await connection?.close();
    process.disconnect();
  } else if (said === 'hold') state = 'holding';
  else {
    const { broker, transportOptions, tellAfter, ...options } = said.start;
    connection = new Connection(broker, { transportOptions });
    await startWorker(connection, {
      ...options,
      hold: () => {
        if (++tasks === tellAfter) tell('reached');
        if (state === 'holding') tell('holding');
        return state === 'holding';
      },
    });
    tell('ready');
  }
});

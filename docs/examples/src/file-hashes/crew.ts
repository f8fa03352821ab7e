import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Connection } from '@kombu/core';
import { startWorker } from './worker.js';
import type { FromParent, FromWorker } from './worker-process.js';

/** How the workers of one run are started. */
export interface CrewOptions {
  readonly broker: string;
  readonly transportOptions: object;
  readonly id: string;
  readonly workers: number;
  readonly prefetchCount: number;
  /** The first worker is to be killed once it has done so many tasks and holds another. */
  readonly killAfter: number | undefined;
}

/** The workers of one run. */
export interface Crew {
  /** Resolves with the name of the worker that was killed while it held an unsettled task, or with undefined when none was. */
  readonly killed: Promise<string | undefined>;
  stop(): Promise<void>;
}

/** Workers inside this process, each on a connection of its own: for brokers that live in it too. */
export async function embeddedCrew(options: CrewOptions): Promise<Crew> {
  const connections = Array.from({ length: options.workers }, () => new Connection(options.broker));
  await Promise.all(
    connections.map((connection, i) => startWorker(connection, { ...options, name: `worker-${i + 1}` })),
  );
  return {
    killed: Promise.resolve(undefined),
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

/** Workers in processes of their own. */
export async function processCrew(options: CrewOptions): Promise<Crew> {
  const script = fileURLToPath(new URL('./worker-process.js', import.meta.url));
  const { workers, killAfter, ...common } = options;
  const crew = await Promise.all(
    Array.from({ length: workers }, async (_, i) => {
      const name = `worker-${i + 1}`;
      const child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      const holding = told(child, 'holding');
      say(child, { start: { ...common, name, holdAfter: i === 0 ? killAfter : undefined } });
      if (!(await told(child, 'ready'))) throw new Error(`${name} did not start`);
      return { name, child, holding };
    }),
  );
  const kill = async ({ name, child, holding }: (typeof crew)[number]): Promise<string | undefined> => {
    if (!(await holding)) return undefined;
    child.kill('SIGKILL');
    return name;
  };
  return {
    killed: crew[0] === undefined ? Promise.resolve(undefined) : kill(crew[0]),
    stop: async () => {
      await Promise.all(
        crew.map(async ({ child }) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const exit = once(child, 'exit');
          if (child.connected) say(child, 'stop');
          await exit;
        }),
      );
    },
  };
}

function say(child: ChildProcess, what: FromParent): void {
  child.send(what, () => {}); // one that is gone hears nothing
}

/** Whether the worker says `what` before it ends. */
function told(child: ChildProcess, what: FromWorker): Promise<boolean> {
  return new Promise((resolve) => {
    child.on('message', (said) => {
      if (said === what) resolve(true);
    });
    child.on('exit', () => resolve(false));
  });
}

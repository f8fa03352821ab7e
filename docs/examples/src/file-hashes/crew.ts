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
  /** Whichever worker is the first to have begun so many tasks is to be killed while it holds another. */
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
      const reached = told(child, 'reached');
      const holding = told(child, 'holding');
      say(child, { start: { ...common, name, tellAfter: killAfter } });
      if (!(await told(child, 'ready'))) throw new Error(`${name} did not start`);
      return { name, child, reached, holding };
    }),
  );
  return {
    killed: killAfter === undefined ? Promise.resolve(undefined) : killFirst(crew),
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

interface Worker {
  readonly name: string;
  readonly child: ChildProcess;
  readonly reached: Promise<boolean>;
  readonly holding: Promise<boolean>;
}

/** Brokers share tasks as they like, so that no worker is sure to get many: but one of them is the first. */
async function killFirst(crew: readonly Worker[]): Promise<string | undefined> {
  const first = await Promise.race([
    ...crew.map(async (worker) => ((await worker.reached) ? worker : new Promise<never>(() => {}))),
    Promise.all(crew.map(({ child }) => (child.exitCode === null ? once(child, 'exit') : undefined))).then(
      () => undefined,
    ),
  ]);
  if (first === undefined) return undefined;
  say(first.child, 'hold');
  if (!(await first.holding)) return undefined;
  first.child.kill('SIGKILL');
  return first.name;
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

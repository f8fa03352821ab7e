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
}

/** The workers of one run. */
export interface Crew {
  /** Kills one worker while it holds at least one unsettled task; resolves with its name. Undefined: this crew cannot. */
  readonly killOne?: () => Promise<string>;
  stop(): Promise<void>;
}

/** Workers inside this process, each on a connection of its own: for brokers that live in it too. */
export async function embeddedCrew(options: CrewOptions): Promise<Crew> {
  const connections = Array.from({ length: options.workers }, () => new Connection(options.broker));
  await Promise.all(
    connections.map((connection, i) => startWorker(connection, { ...options, name: `worker-${i + 1}` })),
  );
  return {
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

/** Workers in processes of their own. */
export async function processCrew(options: CrewOptions): Promise<Crew> {
  const script = fileURLToPath(new URL('./worker-process.js', import.meta.url));
  const { workers, ...common } = options;
  const crew = await Promise.all(
    Array.from({ length: workers }, async (_, i) => {
      const name = `worker-${i + 1}`;
      const child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      say(child, { start: { ...common, name } });
      await told(child, 'ready', name);
      return { name, child };
    }),
  );
  return {
    killOne: async () => {
      const victim = crew[0];
      if (victim === undefined) throw new Error('there is no worker to kill');
      say(victim.child, 'hold');
      await told(victim.child, 'holding', victim.name);
      const exit = once(victim.child, 'exit');
      victim.child.kill('SIGKILL');
      await exit;
      return victim.name;
    },
    stop: async () => {
      await Promise.all(
        crew.map(async ({ child }) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const exit = once(child, 'exit');
          say(child, 'stop');
          await exit;
        }),
      );
    },
  };
}

function say(child: ChildProcess, what: FromParent): void {
  child.send(what);
}

/** Waits until the worker says `what`; fails when it ends first, or says nothing for 30 s. */
async function told(child: ChildProcess, what: FromWorker, name: string): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([
      (async () => {
        for (;;) if ((await once(child, 'message', over))[0] === what) return;
      })(),
      once(child, 'exit', over).then(() => {
        throw new Error(`${name} ended before it was ${what}`);
      }),
      once(AbortSignal.timeout(30_000), 'abort', over).then(() => {
        throw new Error(`${name} was not ${what} within 30 s`);
      }),
    ]);
  } finally {
    over.abort();
  }
}

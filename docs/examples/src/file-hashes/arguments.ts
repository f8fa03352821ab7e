import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

/** What the job is asked to do. */
export interface JobArguments {
  /** The folder whose files are hashed; undefined: the repository itself. */
  readonly folder: string | undefined;
  readonly broker: string;
  readonly workers: number;
  readonly kill: boolean;
}

export const USAGE = `usage: npm start -- [folder] [--broker URL] [--workers N] [--kill]
  folder         whose files are hashed; default: this repository
  --broker URL   such as redis://localhost:6379/0; default: memory://, with the workers in this process
  --workers N    how many workers; default: one for each core, 2 to 4
  --kill         kill one worker with SIGKILL half-way; its tasks must come back`;

/** The command line makes no sense; its message says why. */
export class ArgumentError extends Error {}

/** Reads the command line; undefined: help was asked for. */
export function readArguments(argv: readonly string[]): JobArguments | undefined {
  const { values, positionals } = parse(argv);
  if (values.help) return undefined;
  if (positionals.length > 1) throw new ArgumentError(`one folder at a time, please: ${positionals.join(', ')}`);
  const workers = Number(values.workers);
  if (!Number.isInteger(workers) || workers < 1 || workers > 64) {
    throw new ArgumentError(`--workers takes a number from 1 to 64, not '${values.workers}'`);
  }
  if (values.kill && values.broker.startsWith('memory:')) {
    throw new ArgumentError('--kill needs workers in processes of their own: name a broker with --broker');
  }
  if (values.kill && workers < 2) throw new ArgumentError('--kill needs at least 2 workers, one to go on');
  return { folder: positionals[0], broker: values.broker, workers, kill: values.kill };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        broker: { type: 'string', default: 'memory://' },
        workers: { type: 'string', default: String(Math.max(2, Math.min(4, availableParallelism()))) },
        kill: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new ArgumentError((error as Error).message);
  }
}

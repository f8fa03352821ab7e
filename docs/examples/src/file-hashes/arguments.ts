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

export const USAGE = 'npm start -- [folder] [--broker URL] [--workers N] [--kill]';

/** Reads the command line; throws an Error with a sentence for the user. */
export function readArguments(argv: readonly string[]): JobArguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      broker: { type: 'string', default: 'memory://' },
      workers: { type: 'string', default: String(Math.max(2, Math.min(4, availableParallelism()))) },
      kill: { type: 'boolean', default: false },
    },
  });
  if (positionals.length > 1) throw new Error(`one folder at a time, please: ${positionals.join(', ')}`);
  const workers = Number(values.workers);
  if (!Number.isInteger(workers) || workers < 1 || workers > 64) {
    throw new Error(`--workers takes a number from 1 to 64, not '${values.workers}'`);
  }
  if (values.kill && values.broker.startsWith('memory:')) {
    throw new Error('--kill needs workers in processes of their own: name a broker with --broker');
  }
  if (values.kill && workers < 2) throw new Error('--kill needs at least 2 workers, one to go on');
  return { folder: positionals[0], broker: values.broker, workers, kill: values.kill };
}

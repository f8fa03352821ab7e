import { spawnSync } from 'node:child_process';
import { findPython, type PythonVersion } from '@kombu/interop';

/** One thing that Python Kombu is to do; see python_codec.py. */
export interface PythonJob {
  readonly op: 'version' | 'write' | 'equals' | 'again' | 'recompress';
  readonly [name: string]: unknown;
}

/** Python Kombu, for codec jobs. */
export interface PythonCodec {
  readonly version: string;
  readonly compressions: readonly string[];
  /** Carries out jobs in one process, and gives their results in order. Throws with Python's error where one fails. */
  run(jobs: readonly PythonJob[]): unknown[];
}

const SCRIPT = new URL('./python_codec.py', import.meta.url).pathname;
const TIMEOUT_MS = 60_000;

/** Python with that version of Kombu, or why there is none on this machine. */
export async function pythonCodec(version: PythonVersion): Promise<PythonCodec | { readonly unavailable: string }> {
  const found = await findPython(version);
  if (!('python' in found)) return found;
  const run = (jobs: readonly PythonJob[]): unknown[] => {
    const done = spawnSync(found.python, [SCRIPT], {
      input: JSON.stringify(jobs),
      maxBuffer: 1 << 28,
      timeout: TIMEOUT_MS,
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(`python: ${done.stderr || done.error}`);
    return (JSON.parse(done.stdout) as { result?: unknown; error?: string }[]).map(({ result, error }, i) => {
      if (error !== undefined) throw new Error(`job ${JSON.stringify(jobs[i])}: ${error}`);
      return result;
    });
  };
  const [about] = run([{ op: 'version' }]) as { kombu: string; compressions: string[] }[];
  return { version: about?.kombu ?? '', compressions: about?.compressions ?? [], run };
}

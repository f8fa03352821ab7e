import { spawn } from 'node:child_process';
import path from 'node:path';

const RUNNERS = path.resolve(import.meta.dirname, '../runners');
const LIMIT_MS = 300_000;

/**
 * Runs one measurement in a fresh process: the runner gets its settings as JSON in its last argument and prints its figures as
 * JSON in its last line. Rejects when it fails, counts a message missing or doubled (the runner's own check), or is not done
 * within five minutes; the process is gone then.
 *
 * @param {string} runner file name below `runners/`, or an absolute path
 * @param {import('./types.d.ts').Settings & { python?: string, nodeFlags?: string[] }} settings
 * @param {AbortSignal} [signal]
 * @returns {Promise<Record<string, number>>}
 */
export async function runOnce(runner, settings, signal, limitMs = LIMIT_MS) {
  signal?.throwIfAborted();
  const python = runner.endsWith('.py');
  const command = python ? (settings.python ?? 'python3') : process.execPath;
  const flags = python ? [] : ['--expose-gc', ...(settings.nodeFlags ?? [])];
  const child = spawn(command, [...flags, path.resolve(RUNNERS, runner), JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stopped;
  const stop = (why) => {
    stopped ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => stop(new Error(`it is not done after ${limitMs / 1000} s`)), limitMs);
  const abort = () => stop(signal.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8');
      child[name].on('data', (chunk) => {
        output[name] += chunk;
      });
    }
    const code = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (signal?.aborted) throw signal.reason;
    const last = output.stdout.trim().split('\n').at(-1) ?? '';
    if (code !== 0 || !last.startsWith('{')) {
      const why = stopped?.message ?? (output.stderr || output.stdout).trim().slice(-2000);
      throw new Error(`${path.basename(runner)} failed (exit code ${code}): ${why}`);
    }
    return JSON.parse(last);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

import { spawn } from 'node:child_process';
import path from 'node:path';

const RUNNERS = path.resolve(import.meta.dirname, '../runners');

/**
 * Runs one measurement in a fresh process: the runner gets its settings as JSON in its last argument and prints its figures as
 * JSON in its last line. Rejects when it fails, or counts a message missing or doubled (the runner's own check).
 *
 * @param {string} runner file name below `runners/`
 * @param {object} settings
 * @returns {Promise<{ seconds: number, messages: number, [figure: string]: number }>}
 */
export async function runOnce(runner, settings) {
  const python = runner.endsWith('.py');
  const command = python ? (settings.python ?? 'python3') : process.execPath;
  const flags = python ? [] : ['--expose-gc'];
  const child = spawn(command, [...flags, path.join(RUNNERS, runner), JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const last = output.stdout.trim().split('\n').at(-1) ?? '';
  if (code !== 0 || !last.startsWith('{')) {
    throw new Error(`${runner} failed (exit code ${code}): ${(output.stderr || output.stdout).trim().slice(-2000)}`);
  }
  return JSON.parse(last);
}

import { spawn } from 'node:child_process';
import { ROOT } from './repository.js';

/**
 * Runs a program to its end, its output on the terminal, or collected where `quiet`. Resolves with the exit code (1 for a
 * signal or a program that cannot be started) and the output. After `timeoutMs` the program is killed.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean, input?: string, timeoutMs?: number }} [options]
 * @returns {Promise<{ code: number, output: string, timedOut: boolean }>}
 */
export function run(command, args, { cwd = ROOT, env = process.env, quiet = false, input, timeoutMs } = {}) {
  return new Promise((resolve) => {
    const stdin = input === undefined ? 'ignore' : 'pipe';
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: quiet ? [stdin, 'pipe', 'pipe'] : [stdin, 'inherit', 'inherit'],
    });
    let output = '';
    let timedOut = false;
    const timer =
      timeoutMs &&
      setTimeout(() => {
        timedOut = true;
        child.kill('SIGKILL');
      }, timeoutMs);
    const add = (chunk) => {
      output += chunk;
    };
    child.stdout?.setEncoding('utf8').on('data', add);
    child.stderr?.setEncoding('utf8').on('data', add);
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    const end = (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, output, timedOut });
    };
    child.once('error', (error) => {
      output += error.message;
      end(1);
    });
    child.once('close', end);
  });
}

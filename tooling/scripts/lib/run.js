import { spawn } from 'node:child_process';
import { ROOT } from './repository.js';

/**
 * Runs a program to its end, its output on the terminal, or collected where `quiet`. Resolves with the exit code (1 for a
 * signal or a program that cannot be started) and the output. After `timeoutMs` the program is killed, with all that it
 * started; so it is when this process is told to end.
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
      detached: timeoutMs !== undefined, // a process group of its own, to be killed as a whole
      stdio: quiet ? [stdin, 'pipe', 'pipe'] : [stdin, 'inherit', 'inherit'],
    });
    let output = '';
    let timedOut = false;
    const kill = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // gone already
      }
    };
    const timer =
      timeoutMs &&
      setTimeout(() => {
        timedOut = true;
        kill('SIGKILL');
      }, timeoutMs);
    const passOn = timeoutMs ? endTogether(kill) : () => {};
    const add = (chunk) => {
      output += chunk;
    };
    child.stdout?.setEncoding('utf8').on('data', add);
    child.stderr?.setEncoding('utf8').on('data', add);
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    const end = (code) => {
      clearTimeout(timer);
      passOn();
      resolve({ code: code ?? 1, output, timedOut });
    };
    child.once('error', (error) => {
      output += error.message;
      end(1);
    });
    child.once('close', end);
  });
}

/** Hands signals on to the program's group, and ends it when this process exits. Call the result when it has ended. */
function endTogether(kill) {
  const handlers = {
    SIGINT: () => stop('SIGINT', 130),
    SIGTERM: () => stop('SIGTERM', 143),
    exit: () => kill('SIGKILL'),
  };
  const stop = (signal, code) => {
    kill(signal);
    process.exit(code);
  };
  for (const [event, handler] of Object.entries(handlers)) process.on(event, handler);
  return () => {
    for (const [event, handler] of Object.entries(handlers)) process.off(event, handler);
  };
}

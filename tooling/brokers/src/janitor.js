import { spawn } from 'node:child_process';
import path from 'node:path';

const PROGRAM = path.join(import.meta.dirname, 'janitor-process.js');

/**
 * Keeps a small process at hand that ends servers and removes folders when this process goes away without having done so
 * itself: by an exit, by Ctrl-C, or by SIGKILL. It sees that by its standard input closing. It runs only while there is
 * something to look after.
 */
class Janitor {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;
  #held = 0;

  /**
   * Ends the process group of `pid` if this process does not. Call the result once it is gone.
   * @param {number} pid
   */
  group(pid) {
    return this.#hold('group', pid);
  }

  /**
   * Removes the folder if this process does not. Call the result once it is gone.
   * @param {string} folder
   */
  folder(folder) {
    return this.#hold('folder', folder);
  }

  /**
   * Runs a program if this process does not. Call the result once that is not needed any more.
   * @param {readonly string[]} words
   */
  command(words) {
    return this.#hold('command', JSON.stringify(words));
  }

  /**
   * @param {'group' | 'folder' | 'command'} kind
   * @param {string | number} what
   */
  #hold(kind, what) {
    this.#held++;
    this.#tell({ hold: kind, what });
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#tell({ release: kind, what });
      if (--this.#held === 0) this.#end();
    };
  }

  /** @param {object} message */
  #tell(message) {
    this.#process ??= this.#start();
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  #start() {
    const child = spawn(process.execPath, [PROGRAM], {
      detached: true, // Ctrl-C goes to the whole terminal group; this one has work to do then
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    child.unref();
    /** @type {import('node:net').Socket} */ (/** @type {unknown} */ (child.stdin)).unref();
    return child;
  }

  #end() {
    this.#process?.stdin?.end();
    this.#process = undefined;
  }
}

export const janitor = new Janitor();

/** @type {typeof import('./types.d.ts').endWithUs} */
export function endWithUs(pid) {
  return janitor.group(pid);
}

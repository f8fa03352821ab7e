import { spawn } from 'node:child_process';
import { NotSupportedError, OperationalError } from '@kombu/core';

/** How long to wait for others that change the same file, in seconds. */
const WAIT_S = 10;

/**
 * Locks an open file against every other program that uses flock(2), such as Python Kombu, until it is closed. Node has no such
 * call: the program `flock` of util-linux makes it on our own descriptor.
 *
 * @throws NotSupportedError where there is no such program; OperationalError BROKER_BUSY when others do not let go of the file
 */
export function flock(file: number, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-x', '-w', String(WAIT_S), '3'], { stdio: ['ignore', 'ignore', 'ignore', file] });
    child.once('error', (cause) => {
      const way = "install util-linux, or set the transport option 'shareWithPython' to false";
      reject(new NotSupportedError(`${what} needs the program 'flock', which cannot be run: ${way}`, { cause }));
    });
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new OperationalError('BROKER_BUSY', `${what} failed: somebody holds the file for ${WAIT_S} s`));
    });
  });
}

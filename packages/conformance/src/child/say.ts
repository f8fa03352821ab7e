import { writeSync } from 'node:fs';
import type { Said } from './protocol.js';

const STDOUT = 1;
/** How long a full pipe is left alone before it is tried again, where the system does not wait by itself. */
const FULL_MS = 1;

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}

/**
 * Writes a line to the parent, and returns when the operating system has all of it. `process.stdout` is not used: what does
 * not fit into a full pipe stays in the process there, and dies with it, so that a parent that was slow to read would take a
 * message for unsettled that its killed child had acknowledged.
 */
export function say(said: Said): void {
  const line = Buffer.from(`${JSON.stringify(said)}\n`);
  for (let at = 0; at < line.length; ) {
    try {
      at += writeSync(STDOUT, line, at);
    } catch (error) {
      // The parent has gone: nothing may be left behind.
      if (isCode(error, 'EPIPE')) process.exit(0);
      if (!isCode(error, 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_MS);
    }
  }
}

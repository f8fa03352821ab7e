import { renameSync, utimesSync } from 'node:fs';
import path from 'node:path';
import type { DriverContext } from './driver-context.js';
import { parseFileName, restamp } from './file-name.js';
import { isMissing } from './translate-error.js';

/** A reserved file: the token that core keeps. */
export interface Reservation {
  readonly queue: string;
  /** Its name in the folder of files in flight. */
  readonly held: string;
  /** Its name in the queue, with its place among the others in it. */
  readonly name: string;
  /** Its own time was set to the end of the lease. */
  renewed: boolean;
}

/** The name of a file in flight: until when it is leased, who took it, and its name in the queue. One rename says it all. */
export function heldName(untilMs: number, taker: string, name: string): string {
  return `${Math.ceil(untilMs).toString(36)}-${taker},${name}`;
}

/** Reads the name of a file in flight; undefined: it is none. */
export function parseHeld(held: string): { readonly untilMs: number; readonly name: string } | undefined {
  const match = /^([0-9a-z]+)-[0-9a-z.]+,(.+)$/s.exec(held);
  if (match === null) return undefined;
  return { untilMs: Number.parseInt(match[1] ?? '', 36), name: match[2] ?? '' };
}

/**
 * Puts a file in flight back at its place in its queue; `false`: it is not there any more. Its own time is no lease any longer.
 */
export function putBack(context: DriverContext, file: Reservation, redelivered: boolean): boolean {
  const parsed = parseFileName(file.name);
  const name = parsed === undefined ? file.name : restamp(parsed, 0, redelivered);
  return moveBack(context, file, name);
}

/** Puts a file in flight into its queue under a new name; `false`: it is not there any more. */
export function moveBack({ folders, index }: DriverContext, file: Reservation, name: string): boolean {
  const from = path.join(folders.inFlight, file.held);
  try {
    if (file.renewed) {
      const now = new Date();
      utimesSync(from, now, now);
    }
    renameSync(from, path.join(folders.in, name));
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  index.added(name);
  return true;
}

import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { type FileName, orderOf, parseFileName } from './file-name.js';
import type { FolderLink } from './folder-link.js';

/** A message's file, as it was seen. */
export interface Candidate extends FileName {
  readonly order: string;
  readonly mtimeMs: number;
}

/** Clocks of file systems move in steps of some milliseconds: what is newer than that may change unseen. */
const CLOCK_STEP_MS = 20;
/** What has not been changed for so long will not be changed any more. */
const SETTLED_MS = 10_000;
/** How long a listing and what was told of since are taken for all there is. */
const LISTING_MAX_AGE_MS = 5000;

/**
 * What is in the folder, by queue and in order. One listing serves every queue and many reserves: with 10,000 files a reserve
 * of one message does not read them all again.
 */
export class FolderIndex {
  /** The queues that are consumed, where the system tells of new files: those are handed to {@link add}. */
  told: ReadonlySet<string> | undefined;
  /** How often the folder was listed. */
  listings = 0;
  readonly #link: FolderLink;
  #lines = new Map<string, Candidate[]>();
  #signature: string | undefined;
  #listedAt = Number.NEGATIVE_INFINITY;
  #forgotten = 0;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** Names that came while a listing was under way. */
  #late: string[] | undefined;

  constructor(link: FolderLink) {
    this.#link = link;
  }

  /** The files of a queue, the first one first: those that are there, or that consumers have been told of. */
  async line(queue: string): Promise<readonly Candidate[]> {
    const young = performance.now() - this.#listedAt < LISTING_MAX_AGE_MS;
    return this.told?.has(queue) && young ? (this.#lines.get(queue) ?? []) : this.current(queue);
  }

  /** The files of a queue as they are now, whoever has written them. */
  async current(queue: string): Promise<readonly Candidate[]> {
    if (this.#signature === undefined || this.#signature !== this.#sign()) await this.#list();
    return this.#lines.get(queue) ?? [];
  }

  /** Takes a file out, because it was reserved or has turned out to be gone. */
  take(file: Candidate): void {
    const line = this.#lines.get(file.queue);
    if (line === undefined) return;
    if (line[0] === file) line.shift();
    else {
      const at = line.indexOf(file);
      if (at >= 0) line.splice(at, 1);
    }
    if (line.length === 0) this.#lines.delete(file.queue);
  }

  /** A file has come; its queue, if it is there and was not known. */
  add(name: string): string | undefined {
    const file = parseFileName(name);
    if (file === undefined || this.#knows(file)) return undefined;
    const seen = this.#look(file);
    return seen === undefined ? undefined : this.#insert(seen);
  }

  /** This link has put a file there. */
  added(name: string): void {
    // Without being told of files every look at a queue lists a folder that has changed.
    // So does a folder that has not been listed yet, or has to be listed again.
    if (this.#late === undefined && (this.told === undefined || this.#listedAt === Number.NEGATIVE_INFINITY)) return;
    const file = this.#see(name);
    if (file !== undefined) this.#insert(file);
  }

  #insert(file: Candidate): string | undefined {
    const { name, own } = file;
    this.#late?.push(name);
    const line = this.#lines.get(file.queue) ?? [];
    this.#lines.set(file.queue, line);
    const at = placeOf(line, file.order);
    if (line[at]?.name === name) return undefined;
    // The place of a file of Python is its time, which changes as long as it is written.
    const before = own === undefined ? line.findIndex((other) => other.name === name) : -1;
    if (before >= 0) {
      line[before] = file;
      line.sort((a, b) => (a.order < b.order ? -1 : 1));
      return file.queue;
    }
    line.splice(at, 0, file);
    return file.queue;
  }

  /** The folder is to be listed before anything else is taken from it. */
  forget(): void {
    this.#signature = undefined;
    this.#listedAt = Number.NEGATIVE_INFINITY;
    this.#forgotten += 1;
  }

  /** Every listing begins after the call that asked for it: one that is under way already is of no use to it. */
  #list(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#read().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#list();
      });
    return this.#next;
  }

  async #read(): Promise<void> {
    const signature = this.#sign();
    const forgotten = this.#forgotten;
    this.listings += 1;
    const late: string[] = [];
    this.#late = late;
    try {
      const names = await readdir(this.#link.folders.in);
      // Files of Python that are complete for sure are not looked at again.
      const known = new Map<string, Candidate>();
      const old = Date.now() - SETTLED_MS;
      for (const line of this.#lines.values()) {
        for (const file of line) if (file.own === undefined && file.mtimeMs < old) known.set(file.name, file);
      }
      const lines = new Map<string, Candidate[]>();
      for (const name of names) {
        const file = known.get(name) ?? this.#see(name);
        if (file === undefined) continue;
        const line = lines.get(file.queue);
        if (line === undefined) lines.set(file.queue, [file]);
        else line.push(file);
      }
      for (const line of lines.values()) line.sort((a, b) => (a.order < b.order ? -1 : 1));
      this.#lines = lines;
      if (forgotten === this.#forgotten) {
        this.#signature = signature;
        this.#listedAt = performance.now();
      }
    } catch (error) {
      throw this.#link.translate(error, 'listing the folder');
    } finally {
      this.#late = undefined;
    }
    for (const name of late) this.add(name);
  }

  /** What changes whenever the folder does; undefined while it may change without showing it. */
  #sign(): string | undefined {
    try {
      const { ino, mtimeMs } = statSync(this.#link.folders.in);
      return Date.now() - mtimeMs < CLOCK_STEP_MS ? undefined : `${ino} ${mtimeMs}`;
    } catch (error) {
      throw this.#link.translate(error, 'looking at the folder');
    }
  }

  /** Whether a file of ours is in its line already. */
  #knows(file: FileName): boolean {
    const line = file.own === undefined ? undefined : this.#lines.get(file.queue);
    return line !== undefined && line[placeOf(line, orderOf(file, 0))]?.name === file.name;
  }

  /** What a name that is in the folder says; undefined: it is no message. */
  #see(name: string): Candidate | undefined {
    const file = parseFileName(name);
    if (file === undefined) return undefined;
    return file.own === undefined ? this.#look(file) : { ...file, mtimeMs: 0, order: orderOf(file, 0) };
  }

  /** The file of that name; undefined: it is not there. */
  #look(file: FileName): Candidate | undefined {
    const found = statSync(`${this.#link.folders.in}/${file.name}`, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    return { ...file, mtimeMs: found.mtimeMs, order: orderOf(file, found.mtimeMs) };
  }
}

function placeOf(line: readonly Candidate[], order: string): number {
  let [low, high] = [0, line.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((line[middle] as Candidate).order < order) low = middle + 1;
    else high = middle;
  }
  return low;
}

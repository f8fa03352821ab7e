import { randomBytes } from 'node:crypto';

/** What the name of a message's file says. */
export interface FileName {
  readonly name: string;
  readonly queue: string;
  /** Milliseconds since the machine started, as Python writes them: what Python orders by. */
  readonly uptime: string;
  /** Undefined: not a name of ours, so Python wrote it. */
  readonly own: OwnStamp | undefined;
}

/** What a name of ours says besides, in place of Python's random UUID. */
export interface OwnStamp {
  /** Twelve digits of milliseconds since 1970 and three of a counter, hexadecimal. */
  readonly time: string;
  readonly priority: number;
  readonly redelivered: boolean;
  /** What makes it unique. */
  readonly random: string;
}

const NAME =
  /^(\d+)_([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f])([0-9a-f]{3})-([0-9a-f])([0-9a-f])([0-9a-f]{2})-([0-9a-f]{12})\.(.+)\.msg$/s;
const ESCAPED = /%(?:2F|25|00|2E)/g;
const UNESCAPED: Readonly<Record<string, string>> = { '%2F': '/', '%25': '%', '%00': '\0', '%2E': '.' };
/** The longest name that a file may have, less what stands before it while it is in flight. */
const LONGEST = 255 - 40;

/** The part of a file name that stands for a queue or exchange: as it is, but for what no file name can have. */
export function encodeName(name: string): string {
  // `.` and `..` are folders.
  if (name === '.' || name === '..') return name.replaceAll('.', '%2E');
  return name.replace(/%(?=2F|25|00|2E)|\/|\0/g, (c) => (c === '/' ? '%2F' : c === '%' ? '%25' : '%00'));
}

/** What {@link encodeName} made that of. */
export function decodeName(encoded: string): string {
  return encoded.replace(ESCAPED, (c) => UNESCAPED[c] ?? c);
}

/** Whether a queue of that name can have files. */
export function fits(queue: string): boolean {
  return Buffer.byteLength(encodeName(queue)) <= LONGEST - 56 - '.exchange'.length;
}

/** Reads a name; undefined: the file is no message. The queue is exactly what stands between the UUID and `.msg`. */
export function parseFileName(name: string): FileName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [
    ,
    uptime = '',
    high = '',
    low = '',
    version = '',
    counter = '',
    variant = '',
    priority = '',
    more = '',
    rest = '',
    queue = '',
  ] = match;
  const own =
    version !== '8' || !'89'.includes(variant) || !/\d/.test(priority)
      ? undefined
      : { time: high + low + counter, priority: Number(priority), redelivered: variant === '9', random: more + rest };
  return { name, queue: decodeName(queue), uptime, own };
}

/** The name of a file: Python's form, with an UUID of version 8 that holds time, priority and redelivery. */
export function formatFileName(encodedQueue: string, uptime: string, stamp: OwnStamp): string {
  const { time, priority, redelivered, random } = stamp;
  const head = `${time.slice(0, 8)}-${time.slice(8, 12)}-8${time.slice(12)}`;
  const tail = `${redelivered ? '9' : '8'}${priority}${random.slice(0, 2)}-${random.slice(2)}`;
  return `${uptime}_${head}-${tail}.${encodedQueue}.msg`;
}

/**
 * The key that files of a queue are ordered by, as text: higher priorities first, then by time. The time is the wall clock's, in
 * the name for files of ours and the file's own for those of Python, so that it means the same in every process and after a reboot.
 *
 * @param mtimeMs when the file was last changed; needed for files of Python
 */
export function orderOf(file: FileName, mtimeMs: number): string {
  const { own, uptime, name } = file;
  const time = own?.time ?? timeOf(mtimeMs, 0);
  return `${9 - (own?.priority ?? 0)}${time}${uptime.padStart(15, '0')}${name}`;
}

function timeOf(ms: number, counter: number): string {
  return Math.trunc(ms).toString(16).padStart(12, '0') + counter.toString(16).padStart(3, '0');
}

/** The name that keeps a file at its place among the others, and tells what else there is to tell of it. */
export function restamp(file: FileName, mtimeMs: number, redelivered: boolean): string {
  const stamp = file.own ?? {
    time: timeOf(mtimeMs, 0),
    priority: 0,
    redelivered: false,
    random: randomBytes(7).toString('hex'),
  };
  return formatFileName(encodeName(file.queue), file.uptime, {
    ...stamp,
    redelivered: redelivered || stamp.redelivered,
  });
}

/** Gives names in the order of the calls. No two of them are the same, of whatever link. */
export class NameGiver {
  readonly #random = randomBytes(7).toString('hex');
  readonly #now: () => number;
  /** What stands for a queue in names; undefined: its names would be too long. */
  #encoded = new Map<string, string | undefined>();
  #ms = 0;
  #counter = 0;

  /** @param now the wall clock, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether a queue of that name can have files. */
  fits(queue: string): boolean {
    return this.#encode(queue) !== undefined;
  }

  #encode(queue: string): string | undefined {
    if (this.#encoded.has(queue)) return this.#encoded.get(queue);
    if (this.#encoded.size >= 10_000) this.#encoded = new Map();
    const encoded = fits(queue) ? encodeName(queue) : undefined;
    this.#encoded.set(queue, encoded);
    return encoded;
  }

  give(queue: string, priority: number, redelivered: boolean): string {
    const now = this.#now();
    // A clock that was set back does not turn the order around.
    if (now > this.#ms) {
      this.#ms = Math.trunc(now);
      this.#counter = 0;
    } else if (++this.#counter > 0xfff) {
      this.#ms++;
      this.#counter = 0;
    }
    const [seconds, nanoseconds] = process.hrtime();
    const uptime = String(seconds * 1000 + Math.trunc(nanoseconds / 1e6));
    const time = timeOf(this.#ms, this.#counter);
    const stamp = { time, priority, redelivered, random: this.#random };
    return formatFileName(this.#encode(queue) ?? encodeName(queue), uptime, stamp);
  }
}

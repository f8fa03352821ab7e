import type { Duplex } from 'node:stream';

/** Big enough for a few hundred small messages, small enough to throw away after each use. */
const SLAB_BYTES = 64 * 1024;

/** Something that has frames to write when the tick ends. */
export interface Late {
  writeLate(output: Output): void;
}

/**
 * What a link writes besides the driver library's own frames: whole frames, collected over one tick of the event loop and
 * handed to the socket in one write. It bypasses the library's queues, so frames of one channel must go either way, or one
 * way after the other was flushed.
 */
export class Output {
  /** Where to write: at least the reserved bytes are free at {@link at}. */
  buffer: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** The offset of the next byte in {@link buffer}. */
  at = 0;
  #from = 0;
  #full: Buffer[] = [];
  #late: Late[] = [];
  #state: 'idle' | 'scheduled' | 'dead' = 'idle';
  #completed = 0;
  #started = 0;
  #taken: ((all: boolean) => void)[] = [];
  readonly #stream: Duplex;
  readonly #sent: () => void;
  readonly #done = (): void => {
    this.#completed++;
    if (this.#state !== 'dead') this.#tellTaken();
  };

  /** `sent` is called for each write. */
  constructor(stream: Duplex, sent: () => void) {
    this.#stream = stream;
    this.#sent = sent;
  }

  /** Makes room for `bytes` in {@link buffer} at {@link at}. */
  reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    this.#cut();
    this.buffer = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
    this.at = 0;
    this.#from = 0;
  }

  /** What was written up to `end` is to be sent. */
  commit(end: number): void {
    this.at = end;
    this.#schedule();
  }

  /** Calls `late` once when this tick ends, before the write. */
  later(late: Late): void {
    this.#late.push(late);
    this.#schedule();
  }

  /** Number of writes that the network has taken as a whole: grows while there is progress. */
  get completedWrites(): number {
    return this.#completed;
  }

  /** Bytes that the network has not taken yet. */
  get waitingBytes(): number {
    let bytes = this.#stream.writableLength + this.at - this.#from;
    for (const part of this.#full) bytes += part.length;
    return bytes;
  }

  /** Calls `then` once: with true when the network has taken everything that is written by now, with false when it never will. */
  whenTaken(then: (all: boolean) => void): void {
    this.#taken.push(then);
    this.#schedule();
  }

  /** Hands everything to the socket now. */
  flush(): void {
    if (this.#state === 'dead') return;
    while (this.#late.length > 0) {
      const late = this.#late;
      this.#late = [];
      for (const one of late) one.writeLate(this);
    }
    this.#state = 'idle';
    this.#cut();
    const full = this.#full;
    if (full.length === 0) {
      this.#tellTaken();
      return;
    }
    this.#full = [];
    this.#started += full.length;
    this.#sent();
    const [only] = full;
    if (full.length === 1 && only !== undefined) {
      this.#stream.write(only, this.#done);
      return;
    }
    this.#stream.cork();
    for (const part of full) this.#stream.write(part, this.#done);
    this.#stream.uncork();
  }

  #tellTaken(): void {
    if (this.#taken.length === 0 || this.#completed < this.#started) return;
    const taken = this.#taken;
    this.#taken = [];
    for (const then of taken) then(true);
  }

  /** Forgets what was not sent and takes no more. */
  kill(): void {
    this.#state = 'dead';
    this.#full = [];
    this.#late = [];
    const taken = this.#taken;
    this.#taken = [];
    for (const then of taken) then(false);
  }

  #cut(): void {
    if (this.at > this.#from) this.#full.push(this.buffer.subarray(this.#from, this.at));
    this.#from = this.at;
  }

  #schedule(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    process.nextTick(() => {
      if (this.#state === 'scheduled') this.flush();
    });
  }
}

import { ObjectId } from 'mongodb';
import type { ServerClock } from './server-clock.js';

/** Where the counter of an id begins; https://www.mongodb.com/docs/manual/reference/bson-types/#objectid */
const COUNTER_AT = 9;

/**
 * Ids of messages, by which they are served: each is greater than the one before. They have the server's time, so that the back of
 * a queue is the same for all machines, and do not go back when a clock does, or when the counter in them begins again.
 */
export class MessageIds {
  readonly #clock: ServerClock;
  readonly #generate: (seconds: number) => Uint8Array;
  #seconds = 0;
  #counter = 0;

  /** @param generate makes the bytes of an id */
  constructor(clock: ServerClock, generate = (seconds: number): Uint8Array => ObjectId.generate(seconds)) {
    this.#clock = clock;
    this.#generate = generate;
  }

  next(): ObjectId {
    const now = Math.floor(this.#clock.in().getTime() / 1000);
    const id = this.#generate(Math.max(now, this.#seconds));
    const counter = Buffer.from(id.buffer, id.byteOffset, id.byteLength).readUIntBE(COUNTER_AT, 3);
    if (now > this.#seconds) this.#seconds = now;
    else if (counter < this.#counter) {
      this.#seconds++;
      Buffer.from(id.buffer, id.byteOffset, id.byteLength).writeUInt32BE(this.#seconds, 0);
    }
    this.#counter = counter;
    return new ObjectId(id);
  }
}

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
  #seconds = 0;
  #counter = 0;

  constructor(clock: ServerClock) {
    this.#clock = clock;
  }

  next(): ObjectId {
    const now = Math.floor(this.#clock.in().getTime() / 1000);
    const id = ObjectId.generate(Math.max(now, this.#seconds));
    const view = new DataView(id.buffer, id.byteOffset, id.byteLength);
    const counter = view.getUint32(COUNTER_AT - 1) & 0xffffff;
    if (now > this.#seconds) this.#seconds = now;
    else if (counter < this.#counter) {
      this.#seconds++;
      view.setUint32(0, this.#seconds);
    }
    this.#counter = counter;
    return new ObjectId(id);
  }
}

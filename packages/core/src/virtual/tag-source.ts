import { uuid } from '../util/id.js';

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Makes delivery tags in the form of UUIDv4. The last byte counts: 256 tags share what is random in the others. */
export class TagSource {
  #head = '';
  #used = 256;

  next(): string {
    if (this.#used === 256) {
      this.#head = uuid().slice(0, 34);
      this.#used = 0;
    }
    return this.#head + HEX[this.#used++];
  }
}

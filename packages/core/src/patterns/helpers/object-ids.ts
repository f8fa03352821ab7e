import { createHash, randomBytes } from 'node:crypto';
import { threadId } from 'node:worker_threads';

/** The namespace for object identifiers of RFC 4122, appendix C. */
const NAMESPACE_OID = Buffer.from('6ba7b8129dad11d180b400c04fd430c8', 'hex');

/** Ids of objects: the same for the same object, another in every process and thread. */
export class ObjectIds {
  readonly #node = randomBytes(16).toString('hex');
  readonly #numbers = new WeakMap<object, number>();
  #last = 0;

  /** The id of this object, a UUID (version 5: a hash of process, thread and object). */
  of(object: object): string {
    let number = this.#numbers.get(object);
    if (number === undefined) {
      this.#last++;
      number = this.#last;
      this.#numbers.set(object, number);
    }
    const name = [this.#node, process.pid.toString(16), threadId.toString(16), number.toString(16)].join('-');
    const hash = createHash('sha1').update(NAMESPACE_OID).update(name).digest();
    hash[6] = ((hash[6] as number) & 0x0f) | 0x50;
    hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
    return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
}

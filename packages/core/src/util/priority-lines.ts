/** What can stand in line: its priority from 0 to 9 and its size do not change. */
export interface Queued {
  readonly priority: number;
  readonly bytes: number;
  /** Order of arrival, given by the line. */
  order: number;
}

/** First in, first out: an array whose head moves. */
class Line<T extends Queued> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  putBack(item: T): void {
    let at = this.#head;
    for (let other = this.#items[at]; other !== undefined && other.order < item.order; other = this.#items[at]) at++;
    if (at === this.#head && at > 0) this.#items[--this.#head] = item;
    else this.#items.splice(at, 0, item);
  }
}

/** Ten lines, 9 served first. What is put back stands where it stood before. */
export class PriorityLines<T extends Queued> {
  readonly #lines = Array.from({ length: 10 }, () => new Line<T>());
  #size = 0;
  #bytes = 0;
  #orders = 0;

  get size(): number {
    return this.#size;
  }

  /** To the back of its line. */
  push(item: T): void {
    item.order = ++this.#orders;
    this.#lines[item.priority]?.push(item);
    this.#count(item, 1);
  }

  /** To where it was before it was taken. */
  putBack(item: T): void {
    this.#lines[item.priority]?.putBack(item);
    this.#count(item, 1);
  }

  /** Takes the one that is next. */
  shift(): T | undefined {
    for (let priority = this.#size === 0 ? -1 : 9; priority >= 0; priority--) {
      const item = this.#lines[priority]?.shift();
      if (item !== undefined) return this.#count(item, -1);
    }
    return undefined;
  }

  /** Takes heads of the lines, the lowest priority first, for as long as `when` says so. */
  shiftWhile(when: (first: T, size: number, bytes: number) => boolean): T[] {
    const out: T[] = [];
    for (const line of this.#lines) {
      for (let item = line.first; item && when(item, this.#size, this.#bytes); item = line.first) {
        line.shift();
        out.push(this.#count(item, -1));
      }
    }
    return out;
  }

  #count(item: T, sign: 1 | -1): T {
    this.#size += sign;
    this.#bytes += sign * item.bytes;
    return item;
  }
}

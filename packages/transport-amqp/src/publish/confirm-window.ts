/** What was published on a channel and not confirmed yet, by the channel's sequence numbers (1, 2, 3 ...). */
export class ConfirmWindow<T extends object> {
  #items: (T | undefined)[] = [];
  /** Index of the oldest that is not confirmed, and its sequence number. */
  #head = 0;
  #first = 1;
  #last = 0;

  /** Number of items that are not confirmed. */
  size = 0;

  /** The sequence number that the next item gets. */
  get next(): number {
    return this.#last + 1;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#last++;
    this.size++;
  }

  /** Takes out what a confirm speaks of: one item, or with `multiple` every item up to it; 0 is all of them. */
  take(tag: number, multiple: boolean, each: (item: T) => void): void {
    if (!multiple) {
      const index = this.#head + tag - this.#first;
      const item = this.#items[index];
      if (tag < this.#first || item === undefined) return;
      this.#items[index] = undefined;
      this.size--;
      this.#advance(this.#first);
      each(item);
      return;
    }
    const end = tag === 0 ? this.#last : Math.min(tag, this.#last);
    const taken: T[] = [];
    for (let seq = this.#first; seq <= end; seq++) {
      const item = this.#items[this.#head + seq - this.#first];
      if (item !== undefined) taken.push(item);
    }
    this.size -= taken.length;
    this.#advance(end + 1);
    for (const item of taken) each(item);
  }

  /** Moves the start of the window to `first`, and on over what is confirmed already. */
  #advance(first: number): void {
    if (first > this.#first) {
      this.#head += first - this.#first;
      this.#first = first;
    }
    while (this.#first <= this.#last && this.#items[this.#head] === undefined) {
      this.#head++;
      this.#first++;
    }
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }

  /** The items that are not confirmed, oldest first, from sequence number `from` on. */
  *entries(from = 0): Generator<[seq: number, item: T]> {
    for (let seq = Math.max(from, this.#first); seq <= this.#last; seq++) {
      const item = this.#items[this.#head + seq - this.#first];
      if (item !== undefined) yield [seq, item];
    }
  }

  /** Empties the window for a new channel, whose numbers start at 1 again; returns what was in it, oldest first. */
  clear(): T[] {
    const rest = this.#items.slice(this.#head).filter((item) => item !== undefined);
    this.#items = [];
    this.#head = 0;
    this.#first = 1;
    this.#last = 0;
    this.size = 0;
    return rest;
  }
}

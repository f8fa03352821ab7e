/** What a list links its members by; a member is in one list at a time. */
export interface Linked<T> {
  previous: T | undefined;
  next: T | undefined;
}

/**
 * Members in the order they came, linked through the members themselves: adding and removing allocate nothing. A Set that grows
 * and shrinks with every batch leaves a chain of dead tables behind, which the garbage collector copies around (ADR 0054).
 */
export class LinkedList<T extends Linked<T>> {
  #first: T | undefined = undefined;
  #last: T | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(member: T): void {
    const last = this.#last;
    member.previous = last;
    if (last === undefined) this.#first = member;
    else last.next = member;
    this.#last = member;
    this.#size++;
  }

  /** Takes out a member of this list. */
  remove(member: T): void {
    const { previous, next } = member;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    member.previous = undefined;
    member.next = undefined;
    this.#size--;
  }

  /** A copy of what is in it now, oldest first. */
  toArray(): T[] {
    const all: T[] = [];
    for (let at = this.#first; at !== undefined; at = at.next) all.push(at);
    return all;
  }
}

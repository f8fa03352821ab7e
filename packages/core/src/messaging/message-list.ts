import type { Message } from './message.js';

/**
 * Messages in the order they came, linked through the messages themselves: adding and removing allocate nothing. A message is
 * in one list at a time.
 */
export class MessageList {
  #first: Message | undefined = undefined;
  #last: Message | undefined = undefined;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The oldest. */
  get first(): Message | undefined {
    return this.#first;
  }

  /** Adds one at the end. */
  push(message: Message): void {
    const last = this.#last;
    message.previous = last;
    message.next = undefined;
    if (last === undefined) this.#first = message;
    else last.next = message;
    this.#last = message;
    this.#size++;
  }

  /** Whether a message that is in this list or in none is in this one. */
  has(message: Message): boolean {
    return message.previous !== undefined || this.#first === message;
  }

  /** Takes one out that is in this list or in none; returns whether it was there. */
  remove(message: Message): boolean {
    if (!this.has(message)) return false;
    const { previous, next } = message;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    message.previous = undefined;
    message.next = undefined;
    this.#size--;
    return true;
  }

  /** Takes the oldest one out. */
  shift(): Message | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes out every one that `wanted` names, oldest first. */
  take(wanted: (message: Message) => boolean): Message[] {
    const taken: Message[] = [];
    for (let message = this.#first; message !== undefined; ) {
      const next: Message | undefined = message.next;
      if (wanted(message)) {
        this.remove(message);
        taken.push(message);
      }
      message = next;
    }
    return taken;
  }
}

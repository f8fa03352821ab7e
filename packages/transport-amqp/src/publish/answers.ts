import type { Channel } from 'amqplib';
import type { Output } from '../wire/output.js';

/** Whose publishes wait for answers. */
export interface Asking {
  readonly output: Output;
  /** The channel of the publishes, while it is open. */
  channel(): Channel | undefined;
  /** The sequence number of the last publish that was written and waits. */
  last(): number;
  /** The broker has handled every publish up to here. */
  answered(upTo: number): void;
}

/**
 * Makes the broker answer for publishes without confirms: what it returns comes before the answer to a request that was made
 * after the publish. One request at a time, for all publishes before it.
 */
export class Answers {
  readonly #it: Asking;
  #state: 'idle' | 'asking' = 'idle';

  constructor(it: Asking) {
    this.#it = it;
  }

  /** Something was written that wants an answer. */
  want(): void {
    if (this.#state === 'asking') return;
    this.#state = 'asking';
    queueMicrotask(() => void this.#ask());
  }

  async #ask(): Promise<void> {
    const channel = this.#it.channel();
    const upTo = this.#it.last();
    this.#it.output.flush();
    try {
      // Any request would do; this one, for a consumer that is not there, changes nothing.
      await channel?.cancel('kombu.sync');
    } catch {
      // The channel is gone, and its end tells those who wait.
    }
    this.#state = 'idle';
    if (channel === undefined || channel !== this.#it.channel()) return;
    this.#it.answered(upTo);
    if (this.#it.last() > upTo) this.want();
  }
}

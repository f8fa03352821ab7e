/** A document of the capped collection, as listeners see it. */
export interface Heard {
  readonly id: string;
  /** Undefined where it is not for this listener. */
  readonly payload: string | undefined;
}

/**
 * A queue that is subscribed to an exchange. It gets what is stored after the moment of its subscription, which the newest document
 * of that moment marks. While the server is asked for that one the tail may pass it: what comes meanwhile is kept until it is known.
 */
export class Listener {
  readonly exchange: string;
  readonly queue: string;
  readonly #deliver: (payload: string) => void;
  /** The last document that had been told when it was made. */
  readonly #start: string;
  #kept: Heard[] | undefined = [];
  /** The document that it begins after; undefined once that was passed. */
  #after: string | undefined;
  /** The collection is being read from its start, and what it begins after was stored before. */
  #expected = false;

  /** @param start the last document that the tail has told */
  constructor(
    { exchange, queue }: { readonly exchange: string; readonly queue: string },
    deliver: (payload: string) => void,
    start: string,
  ) {
    this.exchange = exchange;
    this.queue = queue;
    this.#deliver = deliver;
    this.#start = start;
  }

  /** Whether what comes now is passed over. */
  get waits(): boolean {
    return this.#after !== undefined;
  }

  /** A document was told. */
  hear(heard: Heard): void {
    if (this.#kept !== undefined) this.#kept.push(heard);
    else if (this.#after === undefined) this.#take(heard);
    else if (this.#after === heard.id) this.#after = undefined;
  }

  /** It gets what was stored after this document: the newest one, or '' where there was none. */
  begin(newest: string): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    const at = kept.findIndex(({ id }) => id === newest);
    if (at < 0 && newest !== '' && newest !== this.#start) {
      this.#after = newest;
      return;
    }
    for (const heard of kept.slice(at + 1)) this.#take(heard);
  }

  /** The collection is read from its start once more. */
  reopened(): void {
    this.#expected = this.#after !== undefined;
  }

  /** It was read to its end without finding the last document that was told; these are there. */
  missed(ids: ReadonlySet<string>): void {
    // What it was to begin after is overwritten, and all that is there is newer.
    if (this.#expected && this.#after !== undefined && !ids.has(this.#after)) this.#after = undefined;
  }

  #take({ payload }: Heard): void {
    if (payload !== undefined) this.#deliver(payload);
  }
}

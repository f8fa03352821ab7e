/** A session that a link has left behind. */
export interface LeftSession {
  readonly lease: string;
  /** When it ends by itself, on the scale of `clock.monotonic()`. */
  readonly until: number;
}

/** The sessions that links have left behind when they were lost, so that the next link of the same Connection ends them. */
export class Sessions {
  readonly #byConnection = new Map<string, LeftSession>();

  /** The link of a Connection was lost. */
  leave(connectionId: string, left: LeftSession): void {
    this.#byConnection.set(connectionId, left);
  }

  /** What the link before has left. */
  take(connectionId: string, now: number): LeftSession | undefined {
    for (const [id, { until }] of this.#byConnection) if (until <= now) this.#byConnection.delete(id);
    const left = this.#byConnection.get(connectionId);
    this.#byConnection.delete(connectionId);
    return left;
  }
}

/** The sessions that links have left behind when they were lost, so that the next link of the same Connection ends them. */
export class Sessions {
  readonly #byConnection = new Map<string, { readonly lease: string; readonly until: number }>();

  /** The link of a Connection was lost; its session ends by itself at `until`, on the scale of `clock.monotonic()`. */
  leave(connectionId: string, lease: string, until: number): void {
    this.#byConnection.set(connectionId, { lease, until });
  }

  /** The lease that the link before has left. */
  take(connectionId: string, now: number): string | undefined {
    for (const [id, { until }] of this.#byConnection) if (until <= now) this.#byConnection.delete(id);
    const left = this.#byConnection.get(connectionId)?.lease;
    this.#byConnection.delete(connectionId);
    return left;
  }
}

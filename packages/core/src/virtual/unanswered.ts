/** Connections that are remembered at most; one that never comes back is forgotten in the end. */
const MAX_CONNECTIONS = 1000;

/**
 * Reserves whose answer was lost with their link, by the owner that each was made with. What they took is hidden until its lease
 * ends, although nobody has it: the next link of the same connection gives it back at once. One for all links of a transport.
 */
export class Unanswered {
  readonly #byConnection = new Map<string, readonly string[]>();

  /** Keeps the owners that a lost link was still waiting for. */
  keep(connectionId: string, owners: ReadonlySet<string>): void {
    if (owners.size === 0) return;
    const all = [...(this.#byConnection.get(connectionId) ?? []), ...owners];
    this.#byConnection.delete(connectionId);
    this.#byConnection.set(connectionId, all);
    const [oldest] = this.#byConnection.keys();
    if (this.#byConnection.size > MAX_CONNECTIONS && oldest !== undefined) this.#byConnection.delete(oldest);
  }

  /** Takes what was kept. */
  take(connectionId: string): readonly string[] {
    const owners = this.#byConnection.get(connectionId) ?? [];
    this.#byConnection.delete(connectionId);
    return owners;
  }
}

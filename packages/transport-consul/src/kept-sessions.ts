/** A claim whose outcome nobody has heard of. */
export interface UnansweredClaim {
  readonly queue: string;
  readonly name: string;
}

/** The session of a link that was lost. */
export interface KeptSession {
  readonly session: string;
  readonly unanswered: readonly UnansweredClaim[];
  /** Since when the server says that it does not know the token, on the monotonic clock. */
  readonly tokenUnknownSince?: number | undefined;
}

/** Connections that are remembered at most; one that never comes back is forgotten in the end. */
const MAX_CONNECTIONS = 1000;

/**
 * Sessions of lost links, by Connection: the next link goes on with the session while it lives, so that what handlers hold stays
 * theirs over a reconnect.
 */
export class KeptSessions {
  readonly #byConnection = new Map<string, KeptSession>();

  keep(connectionId: string, kept: KeptSession): void {
    this.#byConnection.delete(connectionId);
    this.#byConnection.set(connectionId, kept);
    const [oldest] = this.#byConnection.keys();
    if (this.#byConnection.size > MAX_CONNECTIONS && oldest !== undefined) this.#byConnection.delete(oldest);
  }

  take(connectionId: string): KeptSession | undefined {
    const kept = this.#byConnection.get(connectionId);
    this.#byConnection.delete(connectionId);
    return kept;
  }
}

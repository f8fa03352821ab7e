import type { Said } from './protocol.js';

/** What a child process has said about its messages. After its end this is all that it ever said. */
export class Ledger {
  /** Ids that were handed to its handler. */
  readonly delivered = new Set<string>();
  /** Ids whose acknowledgement it began. */
  readonly settling = new Set<string>();
  /** Ids whose acknowledgement the broker confirmed. */
  readonly settled = new Set<string>();
  /** Ids that it published and the broker confirmed. */
  readonly confirmed = new Set<string>();
  /** Ids that came flagged as redelivered. */
  readonly redelivered = new Set<string>();
  /** What failed without being asked for. */
  readonly troubles: string[] = [];

  /** Delivered, and nothing done with it: what a kill leaves unsettled. */
  get held(): string[] {
    return [...this.delivered].filter((id) => !this.settling.has(id));
  }

  /** Takes note of an event. */
  note(said: Said): void {
    if (said.say === 'trouble') this.troubles.push(said.message);
    else if (said.say === 'settling' || said.say === 'settled' || said.say === 'confirmed') this[said.say].add(said.id);
    else if (said.say === 'delivered') {
      this.delivered.add(said.id);
      if (said.redelivered) this.redelivered.add(said.id);
    }
  }
}

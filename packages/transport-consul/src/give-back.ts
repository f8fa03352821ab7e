import type { DriverContext } from './driver-context.js';
import type { UnansweredClaim } from './kept-sessions.js';
import { readClaims } from './queue-listing.js';
import { type Operation, transactGroups } from './transactions.js';

/**
 * Gives back what a lost link may have taken without having heard of it: nobody has it, but its claim is held by the session that this
 * link goes on with. Nobody has seen it, so it is not flagged.
 */
export async function giveBack(context: DriverContext, unanswered: readonly UnansweredClaim[]): Promise<void> {
  const { link, layout, views } = context;
  const { session: Session } = link;
  for (const queue of new Set(unanswered.map((claim) => claim.queue))) {
    const claims = await readClaims(link, layout, queue);
    const groups: Operation[][] = [];
    for (const claim of unanswered) {
      const entry = claims.get(claim.name);
      if (claim.queue !== queue || entry?.Session !== Session) continue;
      const { Key, ModifyIndex: Index } = entry;
      const first = entry.LockIndex === 1;
      groups.push([{ KV: first ? { Verb: 'delete-cas', Key, Index } : { Verb: 'unlock', Key, Session } }]);
    }
    await transactGroups(link, 'giving messages back', groups);
    views.changed(queue);
  }
}

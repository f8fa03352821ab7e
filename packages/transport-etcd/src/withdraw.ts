import type { DriverContext } from './driver-context.js';
import { persist } from './persist.js';
import { bytes, nested, put, remove, revisionOf, unchanged } from './requests.js';
import { sessionEnded } from './session.js';

/**
 * Takes back claims whose outcome nobody knows, on a link that lives on: else they would hide their messages for as long as it does.
 * The session's key is written anew in the same transaction, so that those that are still on their way are not carried out any more.
 */
export function withdraw(context: DriverContext, queue: string, names: readonly string[]): Promise<void> {
  const { link, keys, session, claims } = context;
  const what = `taking back claims of queue '${queue}'`;
  const id = Buffer.from(session.id);
  return claims.withdraw(async () => {
    const doubtful = names.map((name) => keys.claims(queue) + name).filter((key) => !claims.holds(key));
    const undo = doubtful.map((key) =>
      nested({ compare: [{ key: bytes(key), target: 'Value', result: 'Equal', value: id }], success: [remove(key)] }),
    );
    const mine = keys.session(session.id);
    const success = [put(mine, '', session.lease), ...undo, put(keys.tail(queue), '*')];
    // A try that comes late, after another one, finds another revision: it takes nothing of what was claimed since.
    const request = { compare: [unchanged(mine, session.revision)], success, failure: [revisionOf(mine)] };
    const { succeeded, header, responses } = await persist(context, what, () => link.txn(what, request));
    const written = succeeded ? header.revision : responses[0]?.response_range.kvs[0]?.mod_revision;
    if (written === undefined) throw sessionEnded(link);
    session.revision = written;
  });
}

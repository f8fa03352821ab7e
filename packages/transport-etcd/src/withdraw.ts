import type { DriverContext } from './driver-context.js';
import { persist } from './persist.js';
import { bytes, exists, nested, put, remove } from './requests.js';
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
    const success = [put(keys.session(session.id), '', session.lease), ...undo, put(keys.tail(queue), '*')];
    const request = { compare: [exists(keys.session(session.id), true)], success };
    const answer = await persist(context, what, () => link.txn(what, request));
    if (!answer.succeeded) throw sessionEnded(link);
    session.revision = answer.header.revision;
  });
}

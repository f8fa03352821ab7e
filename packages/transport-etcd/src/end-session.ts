import type { DriverContext } from './driver-context.js';
import { exists, put, removeBelow } from './requests.js';

/** What the key of a session holds once nothing is claimed in its name any more. */
export const CLEAN = 'clean';

/** Ends the session of a link that is closing, and says whether it has left anything. */
export async function endSession({ link, keys, session, claims }: DriverContext): Promise<void> {
  const what = 'ending the session at etcd';
  if (claims.isEmpty) {
    await link.txn(what, {
      compare: [exists(keys.session(session.id), true)],
      success: [put(keys.session(session.id), CLEAN, session.lease), removeBelow(`${keys.allHeld}${session.id}/`)],
    });
  }
  await link.call(what, (options) => link.client.leaseClient.leaseRevoke({ ID: session.lease }, options));
}

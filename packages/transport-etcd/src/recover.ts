import { decodeKeyPart } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { flagged } from './message-name.js';
import {
  endOf,
  exists,
  keysFrom,
  MAX_TXN_BYTES,
  nested,
  type Operation,
  put,
  read,
  remove,
  unchanged,
} from './requests.js';

/** How many claims of a queue are listed at once. */
const LISTED = 500;
/** How many messages are moved at once, at most: their payloads are read for it. */
const MOVED = 25;

/** A queue that a session may have claims in, which is no more. */
interface Estate {
  readonly session: string;
  readonly queue: string;
}

/** Puts back what sessions that have ended had claimed. */
export interface Recovery {
  /** Sessions have ended, or may have: there may be something to put back. */
  look(): void;
  /** Puts up to `limit` messages back; resolves with how many. Asks the server only when there may be something. */
  recover(request: { readonly limit: number; readonly signal: AbortSignal }): Promise<number>;
}

/** The part of the driver that puts back what others have left. */
export function createRecovery(context: DriverContext): Recovery {
  const { link, keys, session } = context;
  const what = 'putting back messages of sessions that have ended';
  let state: 'nothing' | 'something' = 'something';

  /** Queues of sessions that are no more. */
  const estates = async (): Promise<Estate[]> => {
    const { responses } = await link.txn(what, {
      success: [keysFrom(keys.allHeld, endOf(keys.allHeld), 0), keysFrom(keys.sessions, endOf(keys.sessions), 0)],
    });
    const [held = [], sessions = []] = responses.map(({ response_range: range }) => range.kvs);
    const live = new Set(sessions.map(({ key }) => key.toString('latin1', keys.sessions.length)));
    const found: Estate[] = [];
    for (const { key } of held) {
      const [id = '', part = ''] = key.toString('latin1', keys.allHeld.length).split('/');
      const queue = decodeKeyPart(part);
      if (queue !== undefined && !live.has(id) && id !== session.id) found.push({ session: id, queue });
    }
    return found;
  };

  /** Claims of the session in the queue, at most `limit`, with their revisions. */
  const claimsOf = async ({ session: id, queue }: Estate, limit: number): Promise<[string, string][]> => {
    const prefix = keys.claims(queue);
    const found: [string, string][] = [];
    for (let from = prefix, more = true; more && found.length < limit; ) {
      const list = { key: from, range_end: endOf(prefix), limit: LISTED };
      const range = (await link.txn(what, { success: [{ request_range: list }] })).responses[0]?.response_range;
      for (const { key, value, mod_revision: revision } of range?.kvs ?? []) {
        if (value.toString('latin1') === id) found.push([key.toString('latin1', prefix.length), revision]);
      }
      more = range?.more ?? false;
      from = `${range?.kvs.at(-1)?.key.toString('latin1')}\0`;
    }
    return found.slice(0, limit);
  };

  /** Takes the claims away, and flags the messages, which keep their places. */
  const putBack = async ({ session: id, queue }: Estate, claims: readonly [string, string][]): Promise<number> => {
    const [messages, claimed] = [keys.messages(queue), keys.claims(queue)];
    let back = 0;
    for (let at = 0; at < claims.length; ) {
      const some = claims.slice(at, at + MOVED);
      const { responses } = await link.txn(what, { success: some.map(([name]) => read(messages + name)) });
      const success: Operation[] = [];
      let bytes = 0;
      for (const [i, [name, revision]] of some.entries()) {
        const value = responses[i]?.response_range.kvs[0]?.value;
        const again = flagged(name);
        const steps = [remove(claimed + name)];
        if (value !== undefined && again !== name) {
          bytes += value.length;
          if (bytes > MAX_TXN_BYTES && success.length > 0) break;
          steps.push(remove(messages + name), put(messages + again, value));
        }
        success.push(nested({ compare: [unchanged(claimed + name, revision)], success: steps }));
        at++;
      }
      const answer = await link.txn(what, {
        compare: [exists(keys.session(id), false)],
        success: [...success, put(keys.tail(queue), '*')],
      });
      back += answer.responses.filter(({ response_txn: one }) => one?.succeeded).length;
    }
    return back;
  };

  return {
    look() {
      state = 'something';
    },
    async recover({ limit, signal }) {
      if (state === 'nothing') return 0;
      state = 'nothing';
      let back = 0;
      try {
        for (const estate of await estates()) {
          if (back >= limit || signal.aborted) {
            state = 'something';
            break;
          }
          const claims = await claimsOf(estate, limit - back);
          back += await putBack(estate, claims);
          if (back >= limit) state = 'something';
          else await link.txn(what, { success: [remove(keys.held(estate.session, estate.queue))] });
        }
      } catch (error) {
        state = 'something';
        throw error;
      }
      return back;
    },
  };
}

import { InconsistencyError } from '../errors/index.js';

/**
 * What a connection is doing.
 *
 * - `idle`: no link, and none is being made; the next use makes one.
 * - `connecting`: the first link is being made.
 * - `connected`: there is a link, and everything that was declared and consumed is in place on it.
 * - `reconnecting`: the link was lost and is being replaced.
 * - `closing`, `closed`: `close()` was called; there is no way back.
 */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closing' | 'closed';

/** What makes a connection go from one state to another. */
export type ConnectionTransition = 'connect' | 'opened' | 'lost' | 'dropped' | 'close' | 'ended';

const TABLE: { readonly [S in ConnectionState]: { readonly [T in ConnectionTransition]?: ConnectionState } } = {
  idle: { connect: 'connecting', close: 'closing' },
  connecting: { opened: 'connected', dropped: 'idle', close: 'closing' },
  connected: { lost: 'reconnecting', dropped: 'idle', close: 'closing' },
  reconnecting: { opened: 'connected', dropped: 'idle', close: 'closing' },
  closing: { ended: 'closed' },
  closed: {},
};

/** The state that follows; InconsistencyError when there is no such way, which is an error of this library. */
export function nextState(state: ConnectionState, transition: ConnectionTransition): ConnectionState {
  const next = TABLE[state][transition];
  if (next === undefined) throw new InconsistencyError(`a connection that is ${state} cannot go '${transition}'`);
  return next;
}

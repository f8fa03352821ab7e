import type { KombuError } from '../errors/index.js';
import type { Revival } from './revival.js';

/** The events of a connection and what their listeners get. */
export interface ConnectionEvents {
  /** There is a link, the first or a new one, and everything is in place on it. The URL is without the password. */
  connected: { readonly url: string; readonly generation: number };
  /** A link is gone, told once for each that there was; `error` is undefined when this process let go of it, as `close()` does. */
  disconnected: { readonly generation: number; readonly error: KombuError | undefined };
  /** Another try to replace the link follows after `delayMs`; `error` is why the last one failed, or why the link was lost. */
  reconnecting: { readonly attempt: number; readonly delayMs: number; readonly error: KombuError };
  /** A new link has replaced a lost one; what was declared and consumed is back, as far as `failed` does not say otherwise. */
  revived: Revival;
  /** The broker takes no messages for the time being. */
  blocked: { readonly reason: string };
  unblocked: undefined;
  /** `close()` has done its work. */
  closed: undefined;
  /** Something failed that no call could be told of. Never thrown, whether anybody listens or not. */
  error: KombuError;
  /** Something to know of, such as an option without effect or a message that went to the dead-letter queue. */
  warning: KombuError;
}

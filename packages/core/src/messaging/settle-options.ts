import { CALL_OPTION_NAMES, checkCallOptions } from '../connection/call-options.js';
import { type CallOptions, checkedTimeout } from '../connection/deadlines.js';
import { checkedSignal } from '../util/abort.js';
import { flag } from '../util/check-options.js';

/**
 * How {@link Message.requeue} settles. `timeoutMs` and `signal` limit the wait that `confirm` asks for. A message whose wait was
 * ended (TimeoutError, AbortedError) counts as settled: the broker may have it or not. With a signal that is aborted from the
 * start nothing is sent.
 */
export interface RequeueOptions extends CallOptions {
  /** Wait until the broker has it. Default false: until the channel has taken it. */
  confirm?: boolean | undefined;
}

/** How {@link Message.ack} settles. */
export interface AckOptions extends RequeueOptions {
  /** Every unsettled delivery of the channel up to this one. Default false. */
  multiple?: boolean | undefined;
}

/** How {@link Message.reject} settles. */
export interface RejectOptions extends RequeueOptions {
  /** Puts it back on its queue instead. Default false. */
  requeue?: boolean | undefined;
}

const REQUEUE: ReadonlySet<string> = new Set([...CALL_OPTION_NAMES, 'confirm']);

/** What each method takes. */
const NAMES = {
  ack: new Set([...REQUEUE, 'multiple']),
  reject: new Set([...REQUEUE, 'requeue']),
  requeue: REQUEUE,
} as const;

/** Checks what a settle method was given. @throws InvalidOptionError */
export function checkSettleOptions(method: keyof typeof NAMES, o: AckOptions & RejectOptions): void {
  checkCallOptions(method, o, NAMES[method]);
  flag(method, 'confirm', o.confirm, false);
  flag(method, 'multiple', o.multiple, false);
  flag(method, 'requeue', o.requeue, false);
  checkedTimeout(o.timeoutMs, method);
  checkedSignal(o.signal, method);
}

const nothing = (): void => {};

/** A promise whose rejection is never unhandled, for settle methods that nobody awaits. */
export function handled(promise: Promise<void>): Promise<void> {
  promise.catch(nothing);
  return promise;
}

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Message } from './message.js';

/**
 * Which message the running code is handling, also after an `await`: so that closing from inside a handler does not wait for
 * that handler. It holds nothing itself; each chain of asynchronous calls has its own value. Only handlers that return a
 * promise run in it, because in Node 20 its use makes every promise of the process a little slower (ADR 0042).
 */
export const handling = new AsyncLocalStorage<Message>();

/** How a handler was seen to work. */
type Style = 'unknown' | 'synchronous' | 'asynchronous';

/** Calls a handler so that `current()` knows what it handles, at no cost for handlers that are synchronous. */
export class HandlerCalls {
  #style: Style = 'unknown';
  /** For the first call, when it is not known yet whether the handler returns promises. */
  #first: AsyncLocalStorage<Message> | undefined;

  /** Calls `handler` with `message`; what it returns or throws is passed on. */
  call(handler: (message: Message) => unknown, message: Message): unknown {
    if (this.#style === 'asynchronous') return handling.run(message, handler, message);
    if (this.#style === 'unknown') return this.#probe(handler, message);
    const result = handler(message);
    if (isThenable(result)) this.#style = 'asynchronous';
    return result;
  }

  #probe(handler: (message: Message) => unknown, message: Message): unknown {
    const first = new AsyncLocalStorage<Message>();
    this.#first = first;
    let result: unknown;
    try {
      result = first.run(message, handler, message);
    } catch (error) {
      first.disable();
      throw error;
    }
    if (isThenable(result)) {
      this.#style = 'asynchronous';
      const over = () => {
        first.disable();
      };
      result.then(over, over);
    } else {
      this.#style = 'synchronous';
      first.disable();
    }
    return result;
  }

  /** The message whose handler the caller runs in, if any. */
  current(): Message | undefined {
    return handling.getStore() ?? this.#first?.getStore();
  }
}

/** Whether a handler returned a promise, or something like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

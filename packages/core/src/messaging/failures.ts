import type { Connection } from '../connection/connection.js';
import { diagnosticsChannels } from '../diagnostics/channels.js';
import type { KombuError } from '../errors/index.js';
import type { ConsumerOptions } from './consumer-options.js';
import { isThenable } from './handler-context.js';
import type { Message } from './message.js';
import { PoisonCounter } from './poison-counter.js';

/** What an application wants to know of what goes wrong. */
export interface FailureHooks {
  /** May answer with a FailureOutcome, also later. */
  onError: ((error: unknown, message: Message) => unknown) | undefined;
  onDecodeError: ((message: Message, error: KombuError) => unknown) | undefined;
  /** Told of every error. */
  report(error: unknown, message: Message): void;
}

/**
 * What becomes of messages that went wrong. None of its methods throws, and the promises it gives never reject.
 *
 * A handler's error asks `onError`. Without an answer the message goes back to its queue after 1 s, and after up to 60 s while
 * it keeps failing; until then it counts as unsettled, so that it takes one place of the prefetch.
 */
export class Failures {
  readonly #connection: Connection;
  readonly #hooks: FailureHooks;
  readonly #counter: PoisonCounter;
  /** Messages that wait to be requeued, with what ends the wait. */
  readonly #delayed = new Map<Message, () => void>();
  #state: 'open' | 'closing' = 'open';

  constructor(connection: Connection, hooks: FailureHooks) {
    this.#connection = connection;
    this.#hooks = hooks;
    this.#counter = new PoisonCounter(connection.clock);
  }

  /** A handler has ended well. */
  handled(message: Message): void {
    if (this.#counter.size > 0 && message.delivery.redelivered) this.#counter.forget(message);
  }

  /** A handler threw or rejected. */
  thrown(message: Message, error: unknown): Promise<void> | undefined {
    if (error !== undefined && error === message.failure) return this.refused(message);
    this.#hooks.report(error, message);
    if (this.#hooks.onError === undefined) {
      const { queue } = message.deliveryInfo;
      this.#connection.logger.warn(`a handler of queue '${queue}' failed; its message goes back after a while`, error);
    }
    let answer: unknown;
    try {
      answer = this.#hooks.onError?.(error, message);
    } catch (second) {
      this.#logThrown('onError', second);
    }
    if (!isThenable(answer)) {
      this.#end(message, answer);
      return undefined;
    }
    return this.#awaited(message, answer);
  }

  async #awaited(message: Message, answer: PromiseLike<unknown>): Promise<void> {
    let outcome: unknown;
    try {
      outcome = await answer;
    } catch (second) {
      this.#logThrown('onError', second);
    }
    this.#end(message, outcome);
  }

  /** A message may not or cannot be decoded; `message.failure` says why. */
  refused(message: Message): Promise<void> | undefined {
    const error = message.failure as KombuError;
    this.#trace(message, error);
    this.#connection.logger.warn(`a message of queue '${message.deliveryInfo.queue}' cannot be decoded`, error);
    const { onDecodeError } = this.#hooks;
    if (onDecodeError === undefined) {
      if (!message.acknowledged) void message.reject();
      return undefined;
    }
    try {
      const result = onDecodeError(message, error);
      if (!isThenable(result)) return undefined;
      return Promise.resolve(result).then(
        () => {},
        (second: unknown) => this.#decodeHookThrew(message, second),
      );
    } catch (second) {
      return this.#decodeHookThrew(message, second);
    }
  }

  #trace(message: Message, error: KombuError): void {
    if (!diagnosticsChannels.decodeError.hasSubscribers) return;
    const { deliveryTag, queue, contentType } = message.delivery;
    const { connection, id: channelId } = message.channel;
    diagnosticsChannels.decodeError.publish({
      connectionId: connection.id,
      channelId,
      queue,
      deliveryTag,
      contentType,
      error,
    });
  }

  #decodeHookThrew(message: Message, second: unknown): Promise<void> | undefined {
    this.#logThrown('onDecodeError', second);
    this.#end(message, undefined);
    return undefined;
  }

  /** A settlement that the channel had taken failed later. */
  settleFailed(message: Message, error: KombuError): void {
    this.#hooks.report(error, message);
    try {
      const answer = this.#hooks.onError?.(error, message);
      if (isThenable(answer)) answer.then(undefined, (second: unknown) => this.#logThrown('onError', second));
    } catch (second) {
      this.#logThrown('onError', second);
    }
  }

  #end(message: Message, outcome: unknown): void {
    if (message.acknowledged) return;
    switch (outcome) {
      case 'ack':
        void message.ack();
        return;
      case 'reject':
        void message.reject();
        return;
      case 'requeue':
        void message.requeue();
        return;
      default:
        if (typeof outcome === 'string') this.#connection.logger.error(`onError: '${outcome}' is no answer`);
        this.#requeueLater(message);
    }
  }

  #requeueLater(message: Message): void {
    if (this.#state === 'closing') {
      void message.requeue();
      return;
    }
    const cancel = this.#connection.clock.after(this.#counter.count(message), () => this.#requeueNow(message));
    this.#delayed.set(message, cancel);
  }

  #requeueNow(message: Message): void {
    this.#delayed.delete(message);
    if (!message.acknowledged) void message.requeue();
  }

  /** Requeues at once whatever waits for it, and whatever fails from now on. */
  flush(): void {
    this.#state = 'closing';
    for (const [message, cancel] of [...this.#delayed]) {
      cancel();
      this.#requeueNow(message);
    }
  }

  /** These messages are not ours any more. */
  drop(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#delayed.get(message)?.();
      this.#delayed.delete(message);
    }
  }

  #logThrown(hook: string, error: unknown): void {
    this.#connection.logger.error(`${hook} threw`, error);
  }
}

/** The hooks of an application, without the type of its payloads. */
export function hooksOf<T>(
  options: Pick<ConsumerOptions<T>, 'onError' | 'onDecodeError'>,
  report: FailureHooks['report'] = () => {},
): FailureHooks {
  return {
    onError: options.onError as FailureHooks['onError'],
    onDecodeError: options.onDecodeError as FailureHooks['onDecodeError'],
    report,
  };
}

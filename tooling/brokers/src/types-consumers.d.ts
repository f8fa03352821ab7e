export interface ConsumersOptions {
  /** The built module of the transport; `@kombu/core` is found from its folder. */
  readonly module: URL;
  /** The name that the module exports its transport by. */
  readonly transport: string;
  readonly url: string;
  /** A queue that is declared already, whose messages are `{ n: number }`. */
  readonly queue: string;
  readonly prefetchCount: number;
  /** How many processes; default 4. */
  readonly count?: number;
}

/** Processes that consume one queue. */
export interface Consumers {
  /** The numbers of the messages that each process has acknowledged, in its order. */
  readonly seen: readonly (readonly number[])[];
  /** Waits until they have acknowledged so many messages in all. */
  received(total: number, options: { readonly timeoutMs: number }): Promise<void>;
  /** Has them close their connections; resolves with how each of them ended: 0, where nothing went wrong. */
  end(): Promise<readonly (number | NodeJS.Signals | null)[]>;
  /** SIGKILL to those that are still there, and waits until they are gone. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts processes that consume a queue, and tell the number of each message once the broker has confirmed its acknowledgement. */
export function startConsumers(options: ConsumersOptions): Consumers;

import type { Channel } from '../../connection/channel.js';
import type { Connection } from '../../connection/connection.js';
import type { CallOptions } from '../../connection/deadlines.js';
import type { Consumer } from '../../messaging/consumer.js';
import type { ConsumerOptions } from '../../messaging/consumer-options.js';

/** A consumer, whatever its payloads are taken to be. */
// biome-ignore lint/suspicious/noExplicitAny: a consumer of one type of payloads is none of another
export type AnyConsumer = Consumer<any>;

/** Makes consumers on the channel that `getConsumers` gets. */
export type ConsumerFactory = <T = unknown>(options: ConsumerOptions<T>) => Consumer<T>;

/** How `run` and `consume` of the mixins end. */
export interface MixinConsumeOptions extends CallOptions {
  /** After so many messages. Those that are prefetched go back untouched. Default: no limit. */
  readonly limit?: number | undefined;
  /** With TimeoutError when no message comes for so many milliseconds. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** How often `onIteration` is called at least and `shouldStop` looked at, in milliseconds. Default 1000. */
  readonly safetyIntervalMs?: number | undefined;
  /** Anything else goes to `onConsumeReady`. */
  readonly [name: string]: unknown;
}

/** Consumers at work, and what they work on. Disposing of it ends them. */
export interface ConsumerContext extends AsyncDisposable {
  readonly connection: Connection;
  readonly channel: Channel;
  readonly consumers: readonly Consumer[];
}

/** What `extraContext` may give: something that is disposed of when consuming ends. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is allowed too
export type ExtraContext = AsyncDisposable | Disposable | void | undefined;

import type { PythonPeer } from './types.d.ts';

/** A value of `@kombu/core`, which this package cannot name: the tests of that one need this one. */
// biome-ignore lint/suspicious/noExplicitAny: its types are where it is used
type OfKombu = any;

/** A broker that this and Python Kombu are connected to, the queue `video` bound to the direct exchange `media`, and both empty before each case. */
export interface BothWaysOptions {
  readonly python: PythonPeer;
  /** The classes of `@kombu/core`. */
  readonly kombu: { readonly Exchange: OfKombu; readonly Queue: OfKombu };
  /** The connection of the case that runs. */
  readonly connection: () => OfKombu;
  /** Waits for a message of a queue, of any of {@link SERIALIZERS}. */
  readonly get: (queue: OfKombu) => Promise<OfKombu>;
  /** How many messages both consume at once. */
  readonly total: number;
  /** How many seconds without a message Python takes for the end of them. */
  readonly quietS: number;
  /** Looks at the store while it has one message, of that priority. */
  readonly hasPriority?: (priority: number) => Promise<void>;
  /** Looks at the store when nothing may be left. */
  readonly isEmpty: () => Promise<void>;
}

/** The serializers of both. */
export const SERIALIZERS: readonly string[];

/** The queue `video`, as Python is told it. */
export const PYTHON_VIDEO: {
  readonly name: string;
  readonly exchange: { readonly name: string; readonly type: string };
  readonly routing_key: string;
};

/** Cases of what one publishes and the other gets, which hold for every broker whose tables and messages both know. */
export function itGoesBothWays(options: BothWaysOptions): void;

import { type KombuError, OperationalError, TimeoutError } from '../errors/index.js';
import type { Channel as TransportChannel } from '../transport/channel.js';
import type { Clock } from '../util/clock.js';
import { withDeadline } from './deadlines.js';
import { asKombuError, isLinkError } from './retry.js';
import type { RecordedQueue, TopologyRecorder } from './topology.js';

/** What came back with a new link: the payload of the `revived` event. */
export interface Revival {
  /** Which link this is, counted from 1. */
  readonly generation: number;
  /** The exchanges that were declared again. */
  readonly exchanges: readonly string[];
  /** The queues that were declared again, under the names that they have now. */
  readonly queues: readonly string[];
  /** How many bindings were made again. */
  readonly bindings: number;
  /** Queues whose name the broker chose and that have got another one. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** The tags of the consumers that consume again. */
  readonly consumers: readonly string[];
  /** What did not come back. */
  readonly failed: readonly RevivalFailure[];
}

/** Something that did not come back with a new link, and why. */
export interface RevivalFailure {
  readonly kind: 'exchange' | 'queue' | 'binding' | 'consumer' | 'channel';
  readonly name: string;
  readonly error: KombuError;
}

/** Gathers a {@link Revival}. */
export class RevivalReport {
  readonly exchanges: string[] = [];
  readonly queues: string[] = [];
  bindings = 0;
  readonly renamed: { from: string; to: string }[] = [];
  readonly consumers: string[] = [];
  readonly failed: RevivalFailure[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * One step of the revival. What the broker refuses is noted and the rest goes on; an error of the link, or a broker that does
   * not answer, is thrown: this link is of no use.
   */
  async step<T>(
    kind: RevivalFailure['kind'],
    name: string,
    signal: AbortSignal,
    work: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await withDeadline(
        { signal, timeoutMs: STEP_TIMEOUT_MS },
        this.#clock,
        `restoring ${kind} '${name}'`,
        work,
      );
    } catch (error) {
      if (signal.aborted || isLinkError(error)) throw error;
      if (TimeoutError.is(error, 'ERR_KOMBU_TIMEOUT')) {
        throw new OperationalError(
          'CONNECTION_LOST',
          `the broker did not answer when the ${kind} '${name}' was restored`,
          {
            cause: error,
          },
        );
      }
      this.failed.push({ kind, name, error: asKombuError(error, `restoring ${kind} '${name}'`) });
      return undefined;
    }
  }

  finish(generation: number): Revival {
    const { exchanges, queues, bindings, renamed, consumers, failed } = this;
    return { generation, exchanges, queues, bindings, renamed, consumers, failed };
  }
}

/** How long the broker may take for one declaration on a new link. */
const STEP_TIMEOUT_MS = 30_000;
/** How many declarations are on their way at once. */
const WINDOW = 32;

/** Declares again what was recorded: exchanges, bindings between them, queues, their bindings; each in its first order. */
export async function replayTopology(
  topology: TopologyRecorder,
  channel: TransportChannel,
  report: RevivalReport,
  signal: AbortSignal,
): Promise<void> {
  await inWindows(topology.exchanges, (spec) =>
    report.step('exchange', spec.name, signal, async (s) => {
      await channel.declareExchange(spec, { signal: s });
      report.exchanges.push(spec.name);
    }),
  );
  await inWindows(topology.exchangeBindings, (binding) =>
    report.step('binding', `${binding.source} -> ${binding.destination}`, signal, async (s) => {
      await channel.bindExchange?.(binding, { signal: s });
      report.bindings++;
    }),
  );
  await inWindows(topology.queues, (queue) =>
    report.step('queue', queue.spec.name, signal, async (s) => {
      const name = await redeclare(queue, channel, s);
      if (name !== queue.spec.name) report.renamed.push({ from: queue.spec.name, to: name });
      report.queues.push(name);
    }),
  );
  for (const { from, to } of report.renamed) topology.queueRenamed(from, to);
  await inWindows(topology.bindings, (binding) =>
    report.step('binding', `${binding.exchange} -> ${binding.queue}`, signal, async (s) => {
      await channel.bindQueue(binding, { signal: s });
      report.bindings++;
    }),
  );
}

/** A server-named queue that is still there is kept, for it may hold messages; else it comes back under a new name. */
async function redeclare(
  { spec, serverNamed }: RecordedQueue,
  channel: TransportChannel,
  signal?: AbortSignal,
): Promise<string> {
  if (serverNamed) {
    try {
      return (await channel.declareQueue({ ...spec, passive: true }, { signal })).queue;
    } catch (error) {
      if (signal?.aborted || isLinkError(error)) throw error;
    }
  }
  return (await channel.declareQueue(serverNamed ? { ...spec, name: '' } : spec, { signal })).queue;
}

async function inWindows<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += WINDOW) await Promise.all(items.slice(from, from + WINDOW).map(work));
}

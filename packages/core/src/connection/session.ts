import { KombuError, OperationalError } from '../errors/index.js';
import type { TransportCapabilities } from '../transport/capabilities.js';
import type { ChannelEvents, Channel as TransportChannel } from '../transport/channel.js';
import type { BrokerTarget, Transport, TransportConnection } from '../transport/transport.js';
import { waitOrAbort } from '../util/abort.js';

/** One link to the broker, from the moment it is there until it is gone. */
export class Session {
  /** Counts the links of a connection, from 1. */
  readonly generation: number;
  readonly transport: Transport;
  readonly target: BrokerTarget;
  readonly link: TransportConnection;
  /** `clock.monotonic()` when the link was made. */
  readonly since: number;
  /** What was declared on this link, for those who would rather not declare it again. */
  readonly declared = new Set<string>();
  /** Aborted when the link is gone. */
  readonly signal: AbortSignal;
  /** Resolves when the link is gone, with why. */
  readonly lost: Promise<KombuError>;

  constructor(
    generation: number,
    transport: Transport,
    target: BrokerTarget,
    link: TransportConnection,
    since: number,
  ) {
    this.generation = generation;
    this.transport = transport;
    this.target = target;
    this.link = link;
    this.since = since;
    const controller = new AbortController();
    this.signal = controller.signal;
    this.lost = link.closed.then((error) => {
      const why = error ?? new OperationalError('CONNECTION_LOST', 'the link to the broker was closed');
      controller.abort(why);
      return why;
    });
  }

  /** What this very server can do. */
  get capabilities(): TransportCapabilities {
    return this.link.capabilities ?? this.transport.capabilities;
  }

  openChannel(events: ChannelEvents, signal?: AbortSignal): Promise<TransportChannel> {
    return this.link.openChannel(events, { signal });
  }

  /** Waits for `work`, but no longer than the link lives: then its error is thrown. */
  async during<T>(work: Promise<T>): Promise<T> {
    try {
      return await waitOrAbort(work, this.signal, 'the link');
    } catch (error) {
      throw this.signal.aborted && KombuError.is(error, 'ERR_KOMBU_ABORTED') ? this.signal.reason : error;
    }
  }
}

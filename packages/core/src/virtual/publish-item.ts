import type { Route, WireMessage } from '../transport/delivery.js';
import { onAbort } from '../util/abort.js';
import type { EnvelopeWriter } from './envelope.js';

/** `waiting`: not routed yet. `sent`: the broker may have it. `done`: its promise is settled. */
export type PublishState = 'waiting' | 'sent' | 'done';

/** One publish on its way. */
export class PublishItem {
  readonly message: WireMessage;
  readonly route: Route;
  readonly envelope: EnvelopeWriter;
  readonly deadline: number;
  readonly keep: ((queue: string) => boolean) | undefined;
  readonly promise: Promise<void>;
  /** Called once, when it ends either way. */
  readonly #ended: (item: PublishItem) => void;
  /** Queues and fanout exchanges that have it, or are being given it. */
  readonly reached = new Set<string>();
  /** Puts that have not been answered. */
  open = 0;
  /** How often it was routed. */
  rounds = 0;
  state: PublishState = 'waiting';
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #unlisten: (() => void) | undefined;

  constructor(
    message: WireMessage,
    route: Route,
    envelope: EnvelopeWriter,
    deadline: number,
    keep: ((queue: string) => boolean) | undefined,
    ended: (item: PublishItem) => void,
  ) {
    this.message = message;
    this.route = route;
    this.envelope = envelope;
    this.deadline = deadline;
    this.keep = keep;
    this.#ended = ended;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Ends with what `error` makes when the signal is aborted. */
  listen(signal: AbortSignal, error: () => unknown): void {
    this.#unlisten = onAbort(signal, () => this.fail(error()));
  }

  succeed(): void {
    if (this.#end()) this.#resolve();
  }

  fail(error: unknown): void {
    if (this.#end()) this.#reject(error);
  }

  #end(): boolean {
    if (this.state === 'done') return false;
    this.state = 'done';
    this.#unlisten?.();
    this.#ended(this);
    return true;
  }
}

import type { Route, WireMessage } from '../transport/delivery.js';
import { onAbort } from '../util/abort.js';
import type { Linked } from '../util/linked-list.js';
import type { EnvelopeWriter } from './envelope.js';

/** `waiting`: not routed yet. `sent`: the broker may have it. `done`: its promise is settled. */
export type PublishState = 'waiting' | 'sent' | 'done';

/** Who is told of the end of a publish. */
export interface PublishItemOwner {
  /** Called once, when it ends either way. */
  ended(item: PublishItem): void;
}

/** One publish on its way. */
export class PublishItem implements Linked<PublishItem> {
  readonly message: WireMessage;
  readonly route: Route;
  readonly envelope: EnvelopeWriter;
  readonly deadline: number;
  readonly keep: ((queue: string) => boolean) | undefined;
  readonly promise: Promise<void>;
  readonly #owner: PublishItemOwner;
  /** The first of the queues and fanout exchanges that have it, or are being given it, and the others. */
  #reached: string | undefined = undefined;
  #reachedToo: Set<string> | undefined = undefined;
  /** Its place among all publishes of its channel. */
  order = 0;
  /** Puts that have not been answered. */
  open = 0;
  /** How often it was routed. */
  rounds = 0;
  state: PublishState = 'waiting';
  previous: PublishItem | undefined = undefined;
  next: PublishItem | undefined = undefined;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #unlisten: (() => void) | undefined = undefined;

  constructor(
    message: WireMessage,
    route: Route,
    envelope: EnvelopeWriter,
    deadline: number,
    keep: ((queue: string) => boolean) | undefined,
    owner: PublishItemOwner,
  ) {
    this.message = message;
    this.route = route;
    this.envelope = envelope;
    this.deadline = deadline;
    this.keep = keep;
    this.#owner = owner;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Ends with what `error` makes when the signal is aborted. */
  listen(signal: AbortSignal, error: () => unknown): void {
    this.#unlisten = onAbort(signal, () => this.fail(error()));
  }

  /** Whether it was sent anywhere. */
  get isOut(): boolean {
    return this.#reached !== undefined || (this.#reachedToo?.size ?? 0) > 0;
  }

  hasReached(place: string): boolean {
    return this.#reached === place || this.#reachedToo?.has(place) === true;
  }

  reach(place: string): void {
    if (this.#reached === undefined) {
      this.#reached = place;
      return;
    }
    this.#reachedToo ??= new Set();
    this.#reachedToo.add(place);
  }

  /** It was not stored there after all. */
  unreach(place: string): void {
    if (this.#reached === place) this.#reached = undefined;
    else this.#reachedToo?.delete(place);
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
    this.#owner.ended(this);
    return true;
  }
}

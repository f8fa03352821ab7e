import { BufferFullError, KombuError, OperationalError, TimeoutError } from '../errors/index.js';
import type { MaybePromise, PublishOp, Channel as TransportChannel } from '../transport/channel.js';
import type { Route, WireMessage } from '../transport/delivery.js';
import { abortError, onAbort } from '../util/abort.js';
import type { Clock } from '../util/clock.js';
import { MAX_TIMER_MS } from '../util/clock.js';
import { type Deferred, deferred } from '../util/deferred.js';
import {
  asKombuError,
  ENSURE_INTERVALS,
  isLinkError,
  isNamedError,
  type ResolvedRetryPolicy,
  type RetryPolicy,
  resolveRetryPolicy,
  retryInterval,
} from './retry.js';

/** What a publish on a channel takes. */
export interface ChannelPublishOptions extends PublishOp {
  /** Send again on the next link when this one is lost: nothing is lost, duplicates are possible. */
  readonly retry?: RetryPolicy | undefined;
}

interface Entry {
  /** Its place in the order of the calls. */
  readonly order: number;
  readonly message: WireMessage;
  readonly route: Route;
  readonly o: ChannelPublishOptions | undefined;
  readonly policy: ResolvedRetryPolicy | undefined;
  readonly done: Deferred<void>;
  /** On the scale of `clock.monotonic()`: it waits no longer than this. */
  readonly deadline: number | undefined;
  /** How often it failed. */
  failures: number;
  /** What it failed with the last time. */
  error: KombuError | undefined;
  /** Whether it was sent on an earlier link. */
  sent: boolean;
  /** Ends the watch over its deadline and its signal; undefined: it is not waiting. */
  unwatch: (() => void) | undefined;
}

/** What the queue needs of its channel. */
export interface PublishOutlet {
  readonly clock: Clock;
  /** How many publishes may wait. */
  limit(): number;
  /** The level-1 channel to publish on, while the link is up. */
  outlet(): TransportChannel | undefined;
  /** Asks for a link; the queue is told by `flush` or `fail`. */
  wanted(): void;
}

/** The publishes of one channel that wait for its link, in the order they were made. */
export class WaitingPublishes {
  readonly #host: PublishOutlet;
  #entries: Entry[] = [];
  /** Those that a busy broker refused: each is sent again after a while. */
  readonly #resting = new Set<Entry>();
  #state: 'open' | 'ended' = 'open';
  /** Why there is no link, as far as the tries for one have told. */
  #noLink: KombuError | undefined;
  #calls = 0;
  /** The policy that was checked last: callers pass the same one over and over. */
  #lastPolicy: { readonly given: RetryPolicy; readonly resolved: ResolvedRetryPolicy } | undefined;

  constructor(host: PublishOutlet) {
    this.#host = host;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Publishes as soon as there is a link. */
  wait(message: WireMessage, route: Route, o: ChannelPublishOptions | undefined): Promise<void> {
    if (this.#isFull()) return Promise.reject(this.#full());
    const entry = this.#entry(message, route, o);
    this.#insert(entry);
    return entry.done.promise;
  }

  /** Publishes now, and again when that fails. */
  send(out: TransportChannel, message: WireMessage, route: Route, o: ChannelPublishOptions): MaybePromise<void> {
    if (this.#resting.size > 0 && this.#isFull()) return Promise.reject(this.#full());
    const entry = this.#entry(message, route, o);
    const result = this.#transmit(out, entry);
    return result === undefined ? undefined : entry.done.promise;
  }

  /** The link is up: everything goes out, in order. */
  flush(out: TransportChannel): void {
    const entries = this.#entries;
    this.#entries = [];
    this.#noLink = undefined;
    for (const entry of entries) {
      this.#release(entry);
      if (this.#transmit(out, entry) === undefined) entry.done.resolve();
    }
  }

  /** One try for a link has failed and another one follows: those that count their tries may have had enough. */
  tryFailed(error: KombuError): void {
    this.#noLink = error;
    for (const entry of [...this.#entries]) {
      if (entry.policy !== undefined) this.#endUnless(entry, error);
    }
  }

  /** There is no link to be had. With `final`, nobody tries again; else those with a retry policy do. */
  fail(error: KombuError, final = false): void {
    let wait = Number.POSITIVE_INFINITY;
    this.#noLink = error;
    if (final) {
      this.#state = 'ended';
      for (const entry of [...this.#resting]) this.#end(entry, error);
    }
    for (const entry of [...this.#entries]) {
      const { policy } = entry;
      if (final || policy === undefined || !isWorthAnotherTry(error, policy)) this.#end(entry, error);
      else if (!this.#endUnless(entry, error)) wait = Math.min(wait, retryInterval(entry.failures - 1, policy));
    }
    // Who comes later asks for a new link.
    if (this.#entries.length === 0) this.#noLink = undefined;
    if (wait !== Number.POSITIVE_INFINITY)
      this.#host.clock.after(wait, () => this.#entries.length > 0 && this.#host.wanted());
  }

  #isFull(): boolean {
    return this.#entries.length + this.#resting.size >= this.#host.limit();
  }

  #full(): BufferFullError {
    const count = this.#entries.length + this.#resting.size;
    return new BufferFullError(`${count} publishes are waiting for the broker already`);
  }

  #entry(message: WireMessage, route: Route, o: ChannelPublishOptions | undefined): Entry {
    const policy = o?.retry === undefined ? undefined : this.#policy(o.retry);
    let deadline = o?.deadline;
    if (policy?.timeoutMs !== undefined) {
      deadline = Math.min(deadline ?? Number.POSITIVE_INFINITY, this.#host.clock.monotonic() + policy.timeoutMs);
    }
    return {
      order: this.#calls++,
      message,
      route,
      o: deadline === o?.deadline ? o : { ...o, deadline },
      policy,
      done: deferred(),
      deadline,
      failures: 0,
      error: undefined,
      sent: false,
      unwatch: undefined,
    };
  }

  #policy(given: RetryPolicy): ResolvedRetryPolicy {
    if (this.#lastPolicy?.given !== given) {
      this.#lastPolicy = { given, resolved: resolveRetryPolicy(given, ENSURE_INTERVALS, 'retry') };
    }
    return this.#lastPolicy.resolved;
  }

  /** Undefined: it is done. A promise: the entry's own tells how it ends. */
  #transmit(out: TransportChannel, entry: Entry): Promise<void> | undefined {
    let result: MaybePromise<void>;
    try {
      result = out.publish(entry.message, entry.route, entry.o);
    } catch (error) {
      result = Promise.reject(error);
    }
    if (result === undefined) return undefined;
    return result.then(
      () => entry.done.resolve(),
      (error: unknown) => this.#failed(entry, error),
    );
  }

  #failed(entry: Entry, cause: unknown): void {
    const { policy } = entry;
    const error = asKombuError(cause, 'publish');
    entry.sent = true;
    entry.error = error;
    if (policy === undefined || !isWorthAnotherTry(error, policy)) entry.done.reject(error);
    else if (this.#endUnless(entry, error)) return;
    // A lost link is waited for; a broker that is there but busy is left alone for a while.
    else if (KombuError.is(error, 'ERR_KOMBU_CONNECTION_LOST')) this.#insert(entry);
    else if (this.#state === 'ended') entry.done.reject(error);
    else this.#rest(entry, policy);
  }

  #rest(entry: Entry, policy: ResolvedRetryPolicy): void {
    this.#resting.add(entry);
    this.#watch(entry);
    const { unwatch } = entry;
    if (unwatch === undefined) return;
    const cancel = this.#host.clock.after(retryInterval(entry.failures - 1, policy), () => this.#again(entry));
    entry.unwatch = () => {
      cancel();
      unwatch();
    };
  }

  #again(entry: Entry): void {
    this.#resting.delete(entry);
    this.#release(entry);
    const out = this.#host.outlet();
    if (out === undefined) this.#insert(entry);
    else if (this.#transmit(out, entry) === undefined) entry.done.resolve();
  }

  /** Counts a failure; ends the entry when the policy says that these were enough. */
  #endUnless(entry: Entry, error: KombuError): boolean {
    const { policy } = entry;
    entry.failures++;
    if (policy === undefined || entry.failures > (policy.maxRetries ?? Number.POSITIVE_INFINITY)) {
      this.#end(entry, error);
      return true;
    }
    try {
      policy.onError?.(error, 0);
      return false;
    } catch (thrown) {
      this.#end(entry, thrown);
      return true;
    }
  }

  #insert(entry: Entry): void {
    let at = this.#entries.length;
    while (at > 0 && (this.#entries[at - 1] as Entry).order > entry.order) at--;
    this.#entries.splice(at, 0, entry);
    this.#watch(entry);
    if (entry.unwatch !== undefined) this.#host.wanted();
  }

  #watch(entry: Entry): void {
    const { clock } = this.#host;
    const signals = [entry.o?.signal, entry.policy?.signal].filter((signal) => signal !== undefined);
    const stops = signals.map((signal) => onAbort(signal, () => this.#end(entry, abortError(signal, 'publish'))));
    const { deadline } = entry;
    const left = deadline === undefined ? undefined : Math.min(Math.max(0, deadline - clock.monotonic()), MAX_TIMER_MS);
    const cancel =
      left === undefined ? undefined : clock.after(left, () => this.#end(entry, expired(entry, this.#noLink)));
    entry.unwatch = () => {
      cancel?.();
      for (const stop of stops) stop();
    };
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted !== undefined) this.#end(entry, abortError(aborted, 'publish'));
  }

  #release(entry: Entry): void {
    entry.unwatch?.();
    entry.unwatch = undefined;
  }

  #end(entry: Entry, error: unknown): void {
    this.#release(entry);
    this.#resting.delete(entry);
    const at = this.#entries.indexOf(entry);
    if (at >= 0) this.#entries.splice(at, 1);
    entry.done.reject(error);
  }
}

function expired({ error, sent }: Entry, noLink: KombuError | undefined): TimeoutError {
  const cause = noLink ?? error;
  const why = cause === undefined ? 'there was no link to the broker' : cause.message;
  return new TimeoutError(`the message could not be published in time: ${why}`, { cause, sent: sent ? 'maybe' : 'no' });
}

/** Whether a policy tries again after this error: one of the link, or one that it names. Its own deadline is the end. */
function isWorthAnotherTry(error: unknown, policy: RetryPolicy): boolean {
  return error instanceof OperationalError || isLinkError(error) || isNamedError(error, policy);
}

import { type KombuError, OperationalError } from '../errors/index.js';
import { waitOrAbort } from '../util/abort.js';
import type { Clock } from '../util/clock.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { closedError, passError } from './connect-errors.js';
import { isEndOfCall, sleep, withDeadline } from './deadlines.js';
import type { Failover } from './failover.js';
import type { KeepAlive } from './keep-alive.js';
import { type ConnectionState, type ConnectionTransition, nextState } from './lifecycle.js';
import { asKombuError, jitterCeiling, type ResolvedRetryPolicy, retryInterval } from './retry.js';
import type { Revival } from './revival.js';
import type { Session } from './session.js';

/** What the keeper of the link asks of its connection, and tells it. */
export interface LinkHost {
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
  /** Undefined: a lost link is not replaced. */
  readonly policy: ResolvedRetryPolicy | undefined;
  failover(): Promise<Failover>;
  /** Opens a link to one URL. */
  dial(url: string, generation: number, signal: AbortSignal): Promise<Session>;
  /** Puts everything that was declared and consumed in place on a new link. */
  restore(session: Session, signal: AbortSignal): Promise<Revival>;
  /** The link is up: what waits goes on. Then the events. */
  opened(session: Session, revival: Revival): void;
  lost(session: Session, error: KombuError | undefined): void;
  /** Another try follows after `delayMs`; `error` is why the last one failed. */
  retrying(attempt: number, delayMs: number, error: KombuError): void;
  /** One pass over the failover list has failed while reconnecting. */
  passFailed(error: KombuError): void;
  /** The link is not replaced any more. */
  gaveUp(error: KombuError): void;
}

/**
 * Owns the link of a connection: makes it when it is first asked for, replaces it when it is lost. Nobody else does.
 */
export class LinkKeeper {
  readonly #host: LinkHost;
  #state: ConnectionState = 'idle';
  #session: Session | undefined;
  /** What everybody waits for who needs the link. */
  #upcoming: Deferred<Session> | undefined;
  /** What those wait for who want to hear of each failed pass. */
  #pass: Deferred<never> = silentDeferred();
  #attempt: AbortController | undefined;
  #waiting = 0;
  #generation = 0;
  /** Failed or short-lived links in a row. */
  #failures = 0;

  constructor(host: LinkHost) {
    this.#host = host;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The link, while it is up. */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * Waits for the link, and makes it when there is none. With `eachPass` it rejects as soon as one pass over the failover list
   * has failed, also when reconnecting goes on.
   */
  async acquire(o: { readonly signal?: AbortSignal | undefined; readonly eachPass?: boolean } = {}): Promise<Session> {
    if (this.#session !== undefined) return this.#session;
    if (this.#state === 'closing' || this.#state === 'closed') throw closedError();
    if (this.#state === 'idle') this.#connect();
    const upcoming = (this.#upcoming as Deferred<Session>).promise;
    this.#waiting++;
    this.#host.keepAlive.acquire();
    try {
      const awaited = o.eachPass ? Promise.race([upcoming, this.#pass.promise]) : upcoming;
      return await waitOrAbort(awaited, o.signal, 'waiting for the link');
    } finally {
      this.#host.keepAlive.release();
      // Nobody wants this first link any more.
      if (--this.#waiting === 0 && this.#state === 'connecting') this.drop();
    }
  }

  /** Lets go of the link, or of making one, without replacing it. Returns the link that was. */
  drop(why?: KombuError): Session | undefined {
    const session = this.#session;
    if (this.#state === 'closing' || this.#state === 'closed') return session;
    this.#attempt?.abort(why);
    if (this.#state !== 'idle') this.#go('dropped');
    this.#settleUpcoming(why ?? new OperationalError('CONNECTION_LOST', 'connecting was given up'));
    this.#lose(session, why);
    return session;
  }

  /** No new link is made from now on, and nobody waits for one; the one that there is stays until `end`. */
  beginClose(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#go('close');
    this.#attempt?.abort(closedError());
    this.#settleUpcoming(closedError());
  }

  /** The link that is to be closed, which is forgotten here. */
  end(): Session | undefined {
    const session = this.#session;
    this.#session = undefined;
    this.#go('ended');
    return session;
  }

  #go(transition: ConnectionTransition): void {
    this.#state = nextState(this.#state, transition);
  }

  #settleUpcoming(outcome: KombuError | Session): void {
    const upcoming = this.#upcoming;
    this.#upcoming = undefined;
    if ('generation' in outcome) upcoming?.resolve(outcome);
    else upcoming?.reject(outcome);
  }

  #begin(): AbortSignal {
    this.#upcoming ??= silentDeferred();
    this.#attempt = new AbortController();
    return this.#attempt.signal;
  }

  #connect(): void {
    this.#go('connect');
    const signal = this.#begin();
    this.#tryAll(signal, false, new Set()).then(
      ([session, revival]) => this.#opened(signal, session, revival),
      (error: unknown) => {
        if (signal.aborted) return;
        this.#go('dropped');
        this.#settleUpcoming(asKombuError(error, 'connecting'));
      },
    );
  }

  /** Tries each URL once, beginning with the current one or with the next. */
  async #tryAll(signal: AbortSignal, rotate: boolean, refused: Set<string>): Promise<[Session, Revival]> {
    const failover = await this.#host.failover();
    const errors: { readonly url: string; readonly error: KombuError }[] = [];
    for (let i = 0; i < failover.length; i++) {
      if (rotate || i > 0) failover.next();
      const url = failover.current;
      if (refused.has(url)) continue;
      try {
        return await this.#tryOne(url, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const known = asKombuError(error, 'connecting');
        errors.push({ url, error: known });
        if (!known.retryable) refused.add(url);
      }
    }
    if (failover.length > 1 && !rotate) failover.next(); // Back to the first, for the next time.
    throw passError(errors.map(({ error }) => error));
  }

  async #tryOne(url: string, signal: AbortSignal): Promise<[Session, Revival]> {
    const session = await this.#host.dial(url, this.#generation + 1, signal);
    this.#generation = session.generation;
    try {
      const restored = this.#host.restore(session, AbortSignal.any([signal, session.signal]));
      restored.catch(() => {}); // The race below may be over before.
      return [session, await waitOrAbort(session.during(restored), signal, 'connecting')];
    } catch (error) {
      session.link.destroy();
      throw error;
    }
  }

  #opened(signal: AbortSignal, session: Session, revival: Revival): void {
    if (signal.aborted) {
      session.link.destroy();
      return;
    }
    this.#attempt = undefined;
    this.#pass = silentDeferred();
    this.#session = session;
    this.#go('opened');
    session.lost.then((error) => this.#lost(session, error));
    this.#settleUpcoming(session);
    this.#host.opened(session, revival);
  }

  #lost(session: Session, error: KombuError): void {
    if (this.#session !== session) return;
    session.link.destroy();
    if (this.#state !== 'connected') {
      this.#lose(session, error);
      return;
    }
    const { policy } = this.#host;
    this.#go(policy === undefined ? 'dropped' : 'lost');
    const signal = policy === undefined ? undefined : this.#begin();
    this.#lose(session, error);
    if (policy === undefined || signal === undefined) this.#host.gaveUp(error);
    else void this.#reconnect(policy, signal, session, error);
  }

  #lose(session: Session | undefined, error: KombuError | undefined): void {
    if (session === undefined || this.#session !== session) return;
    this.#session = undefined;
    this.#host.lost(session, error);
  }

  async #reconnect(
    policy: ResolvedRetryPolicy,
    signal: AbortSignal,
    session: Session,
    cause: KombuError,
  ): Promise<void> {
    const { clock } = this.#host;
    // A link that lived no longer than the wait before it counts as one more failure, or a broker that hangs up on everybody
    // would be asked over and over.
    const lived = clock.monotonic() - session.since;
    if (this.#failures > 0 && lived >= jitterCeiling(this.#failures - 1, policy)) this.#failures = 0;
    let error = cause;
    try {
      const [next, revival] = await withDeadline(policy, clock, 'reconnecting', (end) =>
        this.#untilLinked(policy, end === undefined ? signal : AbortSignal.any([signal, end]), cause, (failure) => {
          error = failure;
        }),
      );
      this.#opened(signal, next, revival);
      return;
    } catch (thrown) {
      if (signal.aborted) return;
      if (!isEndOfCall(thrown)) error = asKombuError(thrown, 'reconnecting');
    }
    this.#attempt?.abort(error);
    this.#attempt = undefined;
    this.#go('dropped');
    this.#settleUpcoming(error);
    this.#host.gaveUp(error);
  }

  /** Passes over the failover list, with waits between them, until one brings a link or the policy says that it is enough. */
  async #untilLinked(
    policy: ResolvedRetryPolicy,
    signal: AbortSignal,
    cause: KombuError,
    failed: (error: KombuError) => void,
  ): Promise<[Session, Revival]> {
    const refused = new Set<string>();
    let error = cause;
    for (let attempt = 1; ; attempt++) {
      const delay = this.#delay(policy);
      this.#host.retrying(attempt, delay, error);
      await sleep(delay, this.#host.clock, 'reconnecting', { signal, unref: true });
      this.#failures++;
      try {
        const several = (await this.#host.failover()).length > 1;
        return await this.#tryAll(signal, several || attempt > 1, refused);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        error = asKombuError(thrown, 'reconnecting');
        failed(error);
        if (!error.retryable || attempt > (policy.maxRetries ?? Number.POSITIVE_INFINITY)) throw error;
        this.#passFailed(error);
      }
    }
  }

  #delay(policy: ResolvedRetryPolicy): number {
    if (!policy.jitter) return this.#failures === 0 ? 0 : retryInterval(this.#failures - 1, policy);
    return retryInterval(this.#failures, policy);
  }

  #passFailed(error: KombuError): void {
    const pass = this.#pass;
    this.#pass = silentDeferred();
    pass.reject(error);
    this.#host.passFailed(error);
  }
}

/** A promise that may be rejected with nobody listening. */
function silentDeferred<T>(): Deferred<T> {
  const made = deferred<T>();
  made.promise.catch(() => {});
  return made;
}

import { EventEmitter } from 'node:events';
import type { Agent, IncomingMessage } from 'node:http';
import {
  type Clock,
  ClosedError,
  deferred,
  type KombuError,
  type Logger,
  OperationalError,
  waitOrAbort,
} from '@kombu/core';
import type Consul from 'consul';
import { answerOf, translateError } from './translate-error.js';

/** How long to leave a server alone that has too much to do: twice as long each time, up to so long. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/** What every call of the client library takes besides its own options; its types do not know these. */
export interface CallOptions {
  /** Ends the call with `cancel`, and has the answer itself returned beside its content. */
  readonly ctx: EventEmitter;
  readonly timeout: number;
}

/** An answer: its content, and the index of the store that it came with (0: none). */
export interface Answer<T> {
  readonly data: T;
  readonly index: number;
  readonly status: number;
}

export interface LinkParts {
  readonly client: Consul;
  readonly agent: Agent;
  readonly session: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A context for calls of the client library. */
export function callContext(): EventEmitter {
  // `includeResponse` is how the library is told to return the answer too.
  return Object.assign(new EventEmitter(), { includeResponse: true }).setMaxListeners(0);
}

/**
 * The answer and its content. The library resolves with an error that is none to it, as where it was loaded into a context of its own.
 */
export function contentOf(found: unknown): readonly [IncomingMessage, unknown] {
  if (!Array.isArray(found)) throw found;
  return found as unknown as readonly [IncomingMessage, unknown];
}

/**
 * A link: the calls that share a session. HTTP has no connection that could be lost, so a link is lost when a call could not be
 * made, or when its session has ended; every other call ends with it. Every error is translated here.
 */
export class ConsulLink {
  readonly closed: Promise<KombuError | undefined>;
  readonly client: Consul;
  readonly session: string;
  readonly #parts: LinkParts;
  readonly #end = deferred<KombuError | undefined>();
  readonly #calls = callContext();
  readonly #pending = new Set<Promise<unknown>>();
  #cancelBeat: (() => void) | undefined;
  #state: 'open' | 'closed' = 'open';
  #probing = false;
  /** What calls end with once the link is closed. */
  #ended: KombuError | undefined;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.client = parts.client;
    this.session = parts.session;
    this.closed = this.#end.promise;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Makes a call. With a signal the promise ends when that is aborted; the call may be carried out all the same. */
  call<T>(
    what: string,
    run: (o: CallOptions) => Promise<unknown>,
    o: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number; readonly ctx?: EventEmitter } = {},
  ): Promise<Answer<T>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const options = { ctx: o.ctx ?? this.#calls, timeout: o.timeoutMs ?? this.#parts.timeoutMs };
    const answer = this.#patiently(() => run(options)).then(
      ([response, content]) => {
        const data = content as T;
        const index = Number(response.headers['x-consul-index'] ?? 0);
        return { data, index, status: response.statusCode ?? 0 };
      },
      (error: unknown) => {
        if (this.#ended !== undefined) throw this.#ended;
        // The caller has cancelled it.
        if (o.ctx !== undefined && (error as { isAbort?: boolean }).isAbort) throw error;
        const { error: translated, endsLink } = translateError(error, what);
        if (endsLink) this.fail(translated);
        throw translated;
      },
    );
    this.#pending.add(answer);
    const done = (): void => void this.#pending.delete(answer);
    answer.then(done, done);
    return o.signal === undefined ? answer : waitOrAbort(answer, o.signal, what);
  }

  /** A server that has too much to do at the moment is asked again, a few times; it has done nothing. */
  async #patiently(run: () => Promise<unknown>): Promise<readonly [IncomingMessage, unknown]> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
      try {
        return contentOf(await run());
      } catch (error) {
        if (answerOf(error)?.status !== 429 || pauseMs > LONGEST_PAUSE_MS) throw error;
      }
      await new Promise<void>((resolve) => this.#parts.clock.after(pauseMs * (0.5 + Math.random()), resolve));
      if (this.#ended !== undefined) throw this.#ended;
    }
  }

  /**
   * Renews the session again and again. An answer that does not come in time, or a session that has ended, ends the link; after any
   * other failure it is tried again.
   */
  start(everyMs: number, timeoutMs: number): void {
    const beat = (): void => {
      const next = (): void => (this.isOpen ? this.start(everyMs, timeoutMs) : undefined);
      this.renew(timeoutMs).then(next, next);
    };
    this.#cancelBeat = this.#parts.clock.after(everyMs, beat, { unref: true });
  }

  /** Renews the session. Rejects, and ends the link, when it has ended. */
  async renew(timeoutMs?: number): Promise<void> {
    const { client, session } = this;
    const what = 'renewing the session';
    const run = async (o: CallOptions): Promise<unknown> => {
      try {
        return await client.session.renew({ id: session, ...o } as never);
      } catch (error) {
        if (answerOf(error)?.status !== 404) throw error;
        const why = 'the session of this connection has ended: it was not renewed in time, or somebody destroyed it';
        throw new OperationalError('CONNECTION_LOST', why);
      }
    };
    await this.call(what, run, timeoutMs === undefined ? {} : { timeoutMs });
  }

  /**
   * The server has closed a socket. That may be the end of its idle time, or of the server: a call tells. Where calls are under way,
   * those tell.
   */
  socketClosed(): void {
    if (this.#state !== 'open' || this.#probing) return;
    this.#probing = true;
    const done = (): void => {
      this.#probing = false;
    };
    this.renew().then(done, done);
  }

  /** Ends the link because of an error. */
  fail(error: KombuError): void {
    if (this.#state === 'open') this.#parts.logger.debug(`consul link lost: ${error.message}`);
    this.#finish(error);
  }

  /** Waits for the calls that are under way, at most `graceMs`, and ends the session and the link. */
  async close(graceMs: number): Promise<void> {
    if (this.#state !== 'open') return;
    this.#cancelBeat?.();
    const { client, session } = this;
    const settled = Promise.allSettled(this.#pending).then(() =>
      this.call('ending the session', (o) => client.session.destroy({ id: session, ...o } as never)).catch(() => {}),
    );
    const grace = deferred();
    const cancel = this.#parts.clock.after(graceMs, () => grace.resolve());
    await Promise.race([settled, grace.promise, this.closed]);
    cancel();
    this.destroy();
  }

  /** Ends the link at once. The session goes when its time is over. */
  destroy(): void {
    this.#finish(undefined);
  }

  #finish(why: KombuError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelBeat?.();
    this.#ended = why ?? new ClosedError('the connection to Consul is closed');
    this.#calls.emit('cancel');
    this.#end.resolve(why);
    this.#parts.agent.destroy();
  }
}

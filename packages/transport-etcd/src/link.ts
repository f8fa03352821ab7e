import { ClosedError, deferred, type KombuError, type Logger, OperationalError, waitOrAbort } from '@kombu/core';
import type { Etcd3, ITxnRequest, ITxnResponse } from 'etcd3';
import { sendEncoded } from './encoded-calls.js';
import type { Transaction } from './requests.js';
import { Token } from './token.js';
import { type Translated, translateError } from './translate-error.js';

/** No call takes longer than this: then the server is taken for dead, in milliseconds. */
const CALL_MS = 30_000;

/** Codes of errors of connecting: over a link that was open, they say that it is lost. */
const CONNECTING = ['ERR_KOMBU_CONNECT_REFUSED', 'ERR_KOMBU_CONNECT_TIMEOUT'];

/** What etcd3 takes beside a request. */
export type CallOptions = NonNullable<Parameters<Etcd3['kv']['txn']>[1]>;
type Interceptor = NonNullable<CallOptions['interceptors']>[number];
type RunningCall = ReturnType<Parameters<Interceptor>[1]>;

/** What is needed of a stream here. */
interface Stream {
  cancel(): void;
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
}

/**
 * One client of one server, from when it was opened until it is lost: then every call that is under way ends at once, and the
 * client with it. Every error is translated here.
 */
export class EtcdLink {
  readonly client: Etcd3;
  readonly closed: Promise<KombuError | undefined>;
  readonly #token = new Token();
  readonly #encode: (request: Transaction) => ITxnRequest;
  readonly #logger: Logger;
  readonly #end = deferred<KombuError | undefined>();
  readonly #running = new Set<(error: KombuError) => void>();
  readonly #streams = new Set<Stream>();
  #state: 'opening' | 'open' | 'closing' | 'closed' = 'opening';
  /** What calls end with once the link is closed. */
  #ended: KombuError | undefined;

  constructor(client: Etcd3, logger: Logger) {
    this.client = client;
    this.#encode = sendEncoded(client);
    this.closed = this.#end.promise;
    this.#logger = logger;
  }

  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /** Runs a transaction. With a signal the promise ends when that is aborted; the transaction may be carried out all the same. */
  txn(what: string, request: Transaction, signal?: AbortSignal): Promise<ITxnResponse> {
    return this.call(what, (options) => this.client.kv.txn(this.#encode(request), options), signal);
  }

  /** Makes a call that ends with the link. */
  call<T>(what: string, start: (options: CallOptions) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const answer = this.#call(what, start).catch(async (error: unknown) => {
      if (!this.#token.isRefusal(error)) throw error;
      // Tokens run out. Nothing was done; who logs in anew may ask again.
      await this.#token.renew();
      return this.#call(what, start, 'again');
    });
    return signal === undefined ? answer : waitOrAbort(answer, signal, what);
  }

  /** Logs in. From now on every call has the token, and another one where that is refused. */
  logIn(what: string, name: string, password: string): Promise<void> {
    return this.#token.start(async () => {
      const { token } = await this.#call(what, (o) => this.client.auth.authenticate({ name, password }, o), 'login');
      return token;
    });
  }

  #call<T>(
    what: string,
    start: (options: CallOptions) => Promise<T>,
    which: 'first' | 'again' | 'login' = 'first',
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      let call: RunningCall | undefined;
      const end = (error: KombuError): void => {
        call?.cancelWithStatus(1, 'the link was closed');
        reject(error);
      };
      this.#running.add(end);
      const options = this.#options(which === 'login' ? undefined : this.#token.value, (running) => {
        call = running;
      });
      start(options).then(
        (value) => {
          this.#running.delete(end);
          resolve(value);
        },
        (error: unknown) => {
          if (!this.#running.delete(end)) return;
          if (which === 'first' && this.#token.isRefusal(error)) return reject(error as Error);
          const { error: translated, endsLink } = this.#translate(error, what);
          if (endsLink) this.fail(translated);
          reject(translated);
        },
      );
    });
  }

  /** Opens a stream that ends with the link, and the link with it. */
  stream<S extends Stream>(what: string, start: (options: CallOptions) => Promise<S>): Promise<S> {
    return this.call(what, async ({ deadline: _, ...options }) => {
      const stream = await start(options);
      const ended = (error?: Error): void => {
        this.#streams.delete(stream);
        this.fail(this.#translate(error ?? new Error('UNAVAILABLE: the stream has ended'), what).error);
      };
      stream.on('error', ended);
      stream.on('end', () => ended());
      if (this.isOpen) this.#streams.add(stream);
      else stream.cancel();
      return stream;
    });
  }

  /** From now on it is not connecting that fails. */
  opened(): void {
    if (this.#state === 'opening') this.#state = 'open';
  }

  /** Ends the link because of an error. */
  fail(error: KombuError): void {
    const isNews = this.#state === 'opening' || this.#state === 'open';
    if (isNews) this.#logger.debug(`etcd link lost: ${error.message}`);
    this.#finish(isNews ? error : undefined);
  }

  /** From now on a loss is no news. */
  closing(): void {
    if (this.isOpen) this.#state = 'closing';
  }

  /** Ends the link at once. */
  destroy(): void {
    this.#finish(undefined);
  }

  #translate(error: unknown, what: string): Translated {
    const translated = translateError(error, what);
    if (this.#state === 'opening' || !CONNECTING.includes(translated.error.code)) return translated;
    const { message, cause } = translated.error;
    return { ...translated, error: new OperationalError('CONNECTION_LOST', message, { cause }) };
  }

  #finish(why: KombuError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#ended = why ?? new ClosedError('the connection to etcd is closed');
    for (const end of this.#running) end(this.#ended);
    this.#running.clear();
    for (const stream of this.#streams) stream.cancel();
    this.client.close();
    this.#end.resolve(why);
  }

  #options(token: string | undefined, started: (call: RunningCall) => void): CallOptions {
    let state: 'new' | 'started' = 'new';
    const interceptor = (options: Parameters<Interceptor>[0], next: Parameters<Interceptor>[1]): RunningCall => {
      // etcd3 repeats a call whose token is refused, for ever, since it is not the one that has logged in.
      if (state === 'started') throw this.#token.refused;
      state = 'started';
      const call = next(options);
      if (token !== undefined) {
        const start = call.start.bind(call);
        call.start = (metadata, listener) => {
          metadata.set('token', token);
          start(metadata, listener);
        };
      }
      started(call);
      return call;
    };
    // gRPC asks for a class of its own, but calls nothing else than what every call has.
    return { deadline: Date.now() + CALL_MS, interceptors: [interceptor as Interceptor] };
  }
}

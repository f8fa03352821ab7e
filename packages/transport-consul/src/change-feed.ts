import { type KombuError, onAbort, TokenBucket } from '@kombu/core';
import { asKombuError } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { callContext } from './link.js';
import { missingIsNothing } from './queue-listing.js';

/** How long a query waits for a change. Consul adds up to a sixteenth of it. */
const WAIT_S = 300;
/** How much longer than that an answer may take. */
const GRACE_S = 30;
/** So many queries a second are asked without a pause, after a quiet time so many at once. */
const QUERIES_A_SECOND = 40;
const BURST = 40;
/** The rest after a change where changes come quickly, so that many are one. */
const QUICKLY_MS = 25;
/** The pause after a query that failed, where the link goes on. */
const AFTER_FAILURE_MS = 2000;

export interface FeedHooks {
  readonly prefix: string;
  /** There was a change, or there may have been one; `isThere`: there is a key below the prefix. */
  changed(isThere: boolean): Promise<void>;
  /** A query is on its way that tells of every change since the answer before; or none is. */
  is(state: 'asking' | 'resting'): void;
  /** How long to rest after a change in any case. */
  restMs(): number;
  failed(error: KombuError): void;
}

/**
 * Tells of changes below a prefix by blocking queries, as Consul's manual asks for: each query carries the index of the answer before;
 * an index that went back (a restored store, or one whose memory of deleted keys has ended) is forgotten; and changes that come
 * quickly after each other are one.
 */
export class ChangeFeed {
  readonly #context: DriverContext;
  readonly #hooks: FeedHooks;
  readonly #ctx = callContext();
  readonly #abort = new AbortController();
  readonly #rate: TokenBucket;

  constructor(context: Pick<DriverContext, 'link' | 'transport'>, hooks: FeedHooks) {
    this.#context = context as DriverContext;
    this.#hooks = hooks;
    this.#rate = new TokenBucket(QUERIES_A_SECOND, BURST, context.transport.clock);
    void this.#run();
  }

  stop(): void {
    this.#abort.abort();
    this.#ctx.emit('cancel');
  }

  get #isRunning(): boolean {
    return !this.#abort.signal.aborted && this.#context.link.isOpen;
  }

  async #run(): Promise<void> {
    const { link } = this.#context;
    // Nobody waits for an answer of a link that is gone.
    void link.closed.then(() => this.stop());
    let index = 0;
    let nothingNew = 0;
    while (this.#isRunning) {
      try {
        this.#rate.canConsume();
        // The first answer only says where the store is.
        if (index > 0) this.#hooks.is('asking');
        const answer = await this.#ask(index);
        if (!this.#isRunning) return;
        this.#hooks.is('resting');
        const before = index;
        index = answer.index < before ? 0 : answer.index;
        if (index === before) {
          // It may not have waited, as where something on the way takes the index out of answers: it is not asked in a hurry.
          await this.#pause(Math.min(AFTER_FAILURE_MS, QUICKLY_MS * 2 ** nothingNew++));
          continue;
        }
        nothingNew = 0;
        await this.#hooks.changed(answer.status !== 404);
        await this.#pause(Math.max(this.#hooks.restMs(), this.#rate.expectedTime() > 0 ? QUICKLY_MS : 0));
      } catch (cause) {
        if (!this.#isRunning) return;
        this.#hooks.is('resting');
        index = 0;
        this.#hooks.failed(asKombuError(cause, `watching ${this.#hooks.prefix} failed`));
        await this.#pause(AFTER_FAILURE_MS);
      }
    }
  }

  #ask(index: number): Promise<{ readonly index: number; readonly status: number }> {
    const { kv } = this.#context.link.client;
    const query = { key: this.#hooks.prefix, separator: '/', index, wait: `${WAIT_S}s` };
    const timeoutMs = (WAIT_S + WAIT_S / 16 + GRACE_S) * 1000;
    return this.#context.link.call(
      `watching ${this.#hooks.prefix}`,
      (o) => missingIsNothing(kv.keys({ ...query, ...o } as never)),
      { ctx: this.#ctx, timeoutMs },
    );
  }

  async #pause(ms: number): Promise<void> {
    if (ms === 0) return;
    const { clock } = this.#context.transport;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, () => {
        unlisten();
        resolve();
      });
      const unlisten = onAbort(this.#abort.signal, () => {
        cancel();
        resolve();
      });
    });
  }
}

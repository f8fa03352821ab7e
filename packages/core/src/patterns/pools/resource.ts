import { CALL_OPTION_NAMES } from '../../connection/call-options.js';
import { type CallOptions, withDeadline } from '../../connection/deadlines.js';
import { ClosedError, InvalidOptionError, LimitExceeded } from '../../errors/index.js';
import { checkOptionNames, flag, wholeNumber } from '../../util/check-options.js';
import { type Clock, systemClock } from '../../util/clock.js';
import { Slots } from './slots.js';

/** How a {@link Resource} deals with what it holds. */
export interface ResourceHooks<T> {
  /** What the pool is called in errors, such as `the connection pool`. */
  readonly name: string;
  /** Makes another one. */
  create(signal: AbortSignal | undefined): T | Promise<T>;
  /** Ends one for good. */
  dispose(resource: T): void | Promise<void>;
  /** Whether one that lay in the pool, or comes back, can still be used. Default: it can. */
  isUsable?(resource: T): boolean;
  /** One is given out: `giveBack` is what its own `release()` calls. */
  lend?(resource: T, giveBack: () => Promise<void>): void;
  /** Calls `gone` when somebody has ended it other than by the pool. */
  watch?(resource: T, gone: () => void): void;
  /** Whether what comes back is kept for the next one. Default true. */
  readonly keep?: boolean;
  /** The error when all are in use. Default: LimitExceeded. */
  limitExceeded?(message: string): LimitExceeded;
  /** Where time comes from. Default: the process's clock. */
  readonly clock?: Clock;
}

/** How {@link Resource.acquire} waits. */
export interface AcquireOptions extends CallOptions {
  /** Whether to wait while all are in use. Default true. */
  readonly block?: boolean | undefined;
}

/** How {@link Resource.resize} changes the limit. */
export interface ResizeOptions {
  /** Allows a limit below what is in use: what is too many is ended when it comes back. Default false. */
  readonly force?: boolean | undefined;
  /** Ends what lies in the pool first. Default false. */
  readonly reset?: boolean | undefined;
}

/** The names of {@link ResizeOptions}. */
export const RESIZE_OPTION_NAMES: ReadonlySet<string> = new Set(['force', 'reset']);
const ACQUIRE_NAMES = new Set([...CALL_OPTION_NAMES, 'block']);
const CLOSE_NAMES = new Set(['closePool']);

/**
 * A pool: gives out at most `limit` of something at a time, and what came back last first. Who has to wait is served in order.
 * Made by `connection.pool()`, `connection.channelPool()` and the pool groups, or with {@link ResourceHooks} of one's own.
 *
 * @typeParam T what is pooled
 */
export class Resource<T extends object> {
  readonly #hooks: ResourceHooks<T>;
  readonly #slots: Slots;
  readonly #clock: Clock;
  readonly #idle: T[] = [];
  readonly #lent = new Set<T>();
  #state: 'open' | 'closed' = 'open';

  /**
   * @param limit how many at most; 0: no limit.
   * @throws InvalidOptionError when the limit is no whole number.
   */
  constructor(hooks: ResourceHooks<T>, limit = 0) {
    this.#hooks = hooks;
    this.#clock = hooks.clock ?? systemClock;
    this.#slots = new Slots(this.#checked(limit));
  }

  /** How many there may be at a time; Infinity: no limit. */
  get limit(): number {
    return this.#slots.limit;
  }

  /** How many are given out, or being made. */
  get inUse(): number {
    return this.#slots.used;
  }

  /** How many lie in the pool. */
  get idle(): number {
    return this.#idle.length;
  }

  /** How many wait for one. */
  get waiting(): number {
    return this.#slots.waiting;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /**
   * Gives out one; its `release()`, or disposing of it, puts it back, and so does {@link Resource.release}.
   *
   * @throws ConnectionLimitExceeded, ChannelLimitExceeded or LimitExceeded when all are in use and `block` is false;
   * TimeoutError; AbortedError; ClosedError.
   */
  async acquire(options: AcquireOptions = {}): Promise<T> {
    checkOptionNames('acquire', options, ACQUIRE_NAMES);
    this.#assertOpen();
    const what = `acquiring from ${this.#hooks.name}`;
    if (!flag(what, 'block', options.block, true)) {
      if (!this.#slots.tryTake()) throw this.#limitExceeded();
      return withDeadline(
        options,
        this.#clock,
        what,
        (signal) => this.#fill(signal),
        (late) => this.#drop(late),
      );
    }
    return withDeadline(
      options,
      this.#clock,
      what,
      async (signal) => {
        await this.#slots.take(signal, what);
        return this.#fill(signal);
      },
      (late) => this.#drop(late),
    );
  }

  /** Calls `fn` with one of them, and puts it back whatever comes of it. */
  async use<R>(fn: (resource: T) => R | Promise<R>, options: AcquireOptions = {}): Promise<R> {
    const resource = await this.acquire(options);
    try {
      return await fn(resource);
    } finally {
      await this.release(resource);
    }
  }

  /** Finds or makes one for a place that was taken; frees the place when that fails. */
  async #fill(signal: AbortSignal | undefined): Promise<T> {
    try {
      this.#assertOpen();
      const resource = this.#fromIdle() ?? (await this.#make(signal));
      this.#lent.add(resource);
      this.#hooks.lend?.(resource, () => this.release(resource));
      return resource;
    } catch (error) {
      this.#slots.free();
      throw error;
    }
  }

  #fromIdle(): T | undefined {
    for (let resource = this.#idle.pop(); resource !== undefined; resource = this.#idle.pop()) {
      if (this.#hooks.isUsable?.(resource) ?? true) return resource;
      this.#end(resource).catch(ignore);
    }
    return undefined;
  }

  async #make(signal: AbortSignal | undefined): Promise<T> {
    const resource = await this.#hooks.create(signal);
    if (this.#state === 'closed') {
      await this.#end(resource);
      this.#assertOpen();
    }
    this.#hooks.watch?.(resource, () => this.#gone(resource));
    return resource;
  }

  /** Came when nobody wanted it any more. */
  #drop(resource: T): void {
    this.release(resource).catch(ignore);
  }

  #gone(resource: T): void {
    if (this.#lent.delete(resource)) this.#slots.free();
    const at = this.#idle.indexOf(resource);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Puts one back. One that is not in use is left alone; one that cannot be used any more is ended. */
  async release(resource: T): Promise<void> {
    if (!this.#lent.delete(resource)) return;
    const wanted = this.#state === 'open' && this.#slots.used + this.#idle.length <= this.#slots.limit;
    const keep = wanted && (this.#hooks.keep ?? true) && (this.#hooks.isUsable?.(resource) ?? true);
    if (keep) {
      this.#idle.push(resource);
      this.#slots.free();
      return;
    }
    try {
      await this.#end(resource);
    } finally {
      this.#slots.free();
    }
  }

  /** Ends one that is in use; the next one to be given out in its place is another. */
  async replace(resource: T): Promise<void> {
    if (!this.#lent.delete(resource)) return;
    try {
      await this.#end(resource);
    } finally {
      this.#slots.free();
    }
  }

  /** Throws unless the limit can be set without `force`. */
  checkLimit(limit: number): void {
    const wanted = this.#checked(limit);
    if (wanted < this.#slots.used) {
      throw new InvalidOptionError(
        `${this.#hooks.name} cannot be made smaller than what is in use: ${this.#slots.used} are, the limit would be ${wanted}`,
      );
    }
  }

  /**
   * Changes the limit; 0: no limit. Who waits is served at once where it grows.
   *
   * @throws InvalidOptionError when more are in use than it allows, without `force`.
   */
  async resize(limit: number, options: ResizeOptions = {}): Promise<void> {
    checkOptionNames('resize', options, RESIZE_OPTION_NAMES);
    this.#assertOpen();
    if (!options.force) this.checkLimit(limit);
    const ended = options.reset ? this.#idle.splice(0) : [];
    this.#slots.resize(this.#checked(limit));
    const surplus = this.#idle.length + this.#slots.used - this.#slots.limit;
    if (surplus > 0) ended.push(...this.#idle.splice(0, surplus));
    await this.#endAll(ended);
  }

  /** Ends all of them, those in use too; without `closePool` new ones are made when they are asked for. */
  async forceCloseAll(options: { readonly closePool?: boolean | undefined } = {}): Promise<void> {
    checkOptionNames('forceCloseAll', options, CLOSE_NAMES);
    const { closePool = true } = options;
    if (closePool) this.#shut();
    const all = [...this.#idle.splice(0), ...this.#lent];
    for (const resource of this.#lent) {
      this.#lent.delete(resource);
      this.#slots.free();
    }
    await this.#endAll(all);
  }

  /** Ends those in the pool; those in use are ended when they come back. Who waits gets ClosedError. Idempotent. */
  async close(): Promise<void> {
    this.#shut();
    await this.#endAll(this.#idle.splice(0));
  }

  /** Ends all of them: `await using` calls it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.forceCloseAll();
  }

  #shut(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#slots.refuse(this.#closedError());
  }

  async #endAll(resources: readonly T[]): Promise<void> {
    const results = await Promise.allSettled(resources.map((resource) => this.#end(resource)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #end(resource: T): Promise<void> {
    await this.#hooks.dispose(resource);
  }

  #checked(limit: unknown): number {
    const checked = wholeNumber(this.#hooks.name, 'limit', limit === Number.POSITIVE_INFINITY ? 0 : limit, 0) ?? 0;
    return checked === 0 ? Number.POSITIVE_INFINITY : checked;
  }

  #assertOpen(): void {
    if (this.#state === 'closed') throw this.#closedError();
  }

  #closedError(): ClosedError {
    return new ClosedError(`${this.#hooks.name} is closed`);
  }

  #limitExceeded(): LimitExceeded {
    const message = `${this.#hooks.name} has given out all ${this.#slots.limit}`;
    return this.#hooks.limitExceeded?.(message) ?? new LimitExceeded('CONNECTION_LIMIT', message);
  }
}

function ignore(): void {} // Nobody is there to be told that something broken could not be closed.

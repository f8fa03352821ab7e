import { isDeepStrictEqual } from 'node:util';
import type { Connection } from '../../connection/connection.js';
import type { ConnectionParameters } from '../../connection/connection-facts.js';
import { checkOptionNames, wholeNumber } from '../../util/check-options.js';
import type { ResizeOptions, Resource } from './resource.js';

/** The limit of a group that has none of its own: that of the pools it is registered with, else 200. */
export const useDefaultLimit: unique symbol = Symbol('useDefaultLimit');

/** How many a pool of a group gives out at a time, unless something else is said. */
export const DEFAULT_LIMIT = 200;

/** What a {@link PoolGroup} is made with. */
export interface PoolGroupOptions {
  /** How many each pool gives out at a time; 0: no limit. Default: `useDefaultLimit`. */
  readonly limit?: number | typeof useDefaultLimit | undefined;
}

const NAMES = new Set(['limit']);

interface Entry<T extends object> {
  readonly parameters: ConnectionParameters;
  readonly pool: Resource<T>;
}

/**
 * Pools by connection parameters: connections that are made with the same URL and options share one pool.
 *
 * `Connections` and `Producers` are groups; another kind extends this class and says how a pool is made.
 *
 * @typeParam T what is pooled
 */
export abstract class PoolGroup<T extends object> {
  readonly #entries: Entry<T>[] = [];
  #limit: number | typeof useDefaultLimit;
  #inherited: () => number = () => DEFAULT_LIMIT;

  /** @throws InvalidOptionError for a limit that is no whole number. */
  constructor(options: PoolGroupOptions = {}) {
    checkOptionNames('PoolGroup', options, NAMES);
    const { limit } = options;
    this.#limit = limit === useDefaultLimit ? limit : (wholeNumber('PoolGroup', 'limit', limit, 0) ?? useDefaultLimit);
  }

  /** Makes the pool for connections like this one. */
  protected abstract create(connection: Connection, limit: number): Resource<T>;

  /** How many each pool gives out at a time. */
  get limit(): number {
    return this.#limit === useDefaultLimit ? this.#inherited() : this.#limit;
  }

  /** Whether its limit is that of the pools it is registered with. */
  get usesDefaultLimit(): boolean {
    return this.#limit === useDefaultLimit;
  }

  /** The pool of connections with the same parameters as this one; made when it is first asked for. */
  get(connection: Connection): Resource<T> {
    const { parameters } = connection;
    const known = this.#entries.find((entry) => isDeepStrictEqual(entry.parameters, parameters));
    if (known !== undefined && !known.pool.closed) return known.pool;
    if (known !== undefined) this.#entries.splice(this.#entries.indexOf(known), 1);
    const pool = this.create(connection, this.limit);
    this.#entries.push({ parameters, pool });
    return pool;
  }

  /** Its pools. */
  get pools(): readonly Resource<T>[] {
    return this.#entries.map(({ pool }) => pool);
  }

  /** Takes its limit from there if it has none of its own. @internal */
  inherit(limit: () => number): void {
    this.#inherited = limit;
  }

  /** Changes the limit of each of its pools. */
  async resize(limit: number, options?: ResizeOptions): Promise<void> {
    await Promise.all(this.pools.map((pool) => pool.resize(limit, options)));
  }

  /** Ends all pools and everything in them; the next use makes new ones. */
  async reset(): Promise<void> {
    const pools = this.#entries.splice(0);
    await Promise.all(pools.map(({ pool }) => pool.forceCloseAll()));
  }
}

import { checkOptionNames, wholeNumber } from '../../util/check-options.js';
import { Connections, Producers } from './groups.js';
import { DEFAULT_LIMIT, type PoolGroup } from './pool-group.js';
import { RESIZE_OPTION_NAMES, type ResizeOptions } from './resource.js';

/** Groups of pools with one limit. A process has one, which can be replaced where it is used by one of one's own. */
export class PoolSet {
  /** Connection pools by connection parameters. */
  readonly connections: Connections;
  /** Producer pools by connection parameters, over the connection pools. */
  readonly producers: Producers;
  readonly #groups: PoolGroup<object>[] = [];
  #limit = DEFAULT_LIMIT;

  constructor() {
    this.connections = this.register(new Connections());
    this.producers = this.register(new Producers({ connections: this.connections }));
  }

  /** Adds a group: from then on {@link PoolSet.setLimit} and {@link PoolSet.reset} hold for it, too. */
  register<G extends PoolGroup<object>>(group: G): G {
    group.inherit(() => this.#limit);
    this.#groups.push(group);
    return group;
  }

  /** How many each pool gives out at a time. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * Changes the limit of all pools of groups that have none of their own; 0: no limit.
   *
   * @throws InvalidOptionError when more are in use than it allows, without `force`; then nothing has changed.
   */
  async setLimit(limit: number, options: ResizeOptions = {}): Promise<number> {
    checkOptionNames('setLimit', options, RESIZE_OPTION_NAMES);
    const checked = wholeNumber('setLimit', 'limit', limit, 0) ?? DEFAULT_LIMIT;
    const groups = this.#groups.filter((group) => group.usesDefaultLimit);
    if (!options.force) for (const group of groups) for (const pool of group.pools) pool.checkLimit(checked);
    this.#limit = checked;
    await Promise.all(groups.map((group) => group.resize(checked, options)));
    return checked;
  }

  /** Ends all pools of all groups and everything in them. */
  async reset(): Promise<void> {
    // Producers first: they hold connections of the others.
    for (const group of this.#groups.toReversed()) await group.reset();
  }
}

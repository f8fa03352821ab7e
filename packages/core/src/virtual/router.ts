import type { Headers } from '../transport/delivery.js';
import type { BindingCache, CompiledExchange, Destination } from './binding-cache.js';
import type { BindingRecord } from './topology-store.js';

/** Above so many remembered routing keys of one exchange they are forgotten. */
const MAX_KEYS = 1000;

/** Where a message goes. */
export interface ResolvedRoute {
  /** False: there is no such exchange. */
  readonly known: boolean;
  /** Each queue once. */
  readonly destinations: readonly Destination[];
  /** Fanout exchanges whose messages reach subscribers, not queues. */
  readonly broadcasts: readonly string[];
  /** The tables it was found by. */
  readonly via: readonly CompiledExchange[];
}

const NOWHERE: ResolvedRoute = { known: true, destinations: [], broadcasts: [], via: [] };
const UNKNOWN: ResolvedRoute = { known: false, destinations: [], broadcasts: [], via: [] };

/** Names that have to be loaded before a message can be routed. */
export interface Missing {
  readonly exchanges: Set<string>;
  readonly queues: Set<string>;
  /** Exchanges that were looked for just now and are not there. */
  readonly absent: Set<string>;
}

/**
 * Finds the queues of a message over any number of exchanges bound to exchanges, cycles included; a queue is found once. Where
 * an exchange has no binding for it, its `alternate-exchange` is asked.
 * Routes that the key alone decides are remembered until a table changes.
 */
export class RouteFinder {
  readonly #cache: BindingCache;
  readonly #broadcasts: boolean;
  #remembered = new Map<string, Map<string, ResolvedRoute>>();
  /** What was remembered last: messages in a row mostly go the same way. */
  #last: { readonly exchange: string; readonly routingKey: string; readonly route: ResolvedRoute } | undefined;
  #epoch = -1;

  /** @param broadcasts whether fanout goes to subscribers instead of queues */
  constructor(cache: BindingCache, broadcasts: boolean) {
    this.#cache = cache;
    this.#broadcasts = broadcasts;
  }

  /** The route by what is known now. Undefined: what is named in `missing` has to be loaded first. */
  find(exchange: string, routingKey: string, headers: Headers, missing?: Missing): ResolvedRoute | undefined {
    const epoch = this.#cache.epoch;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#remembered.clear();
      this.#last = undefined;
    }
    if (exchange === '') return routingKey === '' ? NOWHERE : this.#anonymous(routingKey, missing);
    const last = this.#last;
    if (last !== undefined && last.exchange === exchange && last.routingKey === routingKey) return last.route;
    const route = this.#remembered.get(exchange)?.get(routingKey);
    if (route === undefined) return this.#walk(exchange, routingKey, headers, missing);
    this.#last = { exchange, routingKey, route };
    return route;
  }

  #anonymous(queue: string, missing: Missing | undefined): ResolvedRoute | undefined {
    const remembered = this.#cache.isLocal ? this.#remembered.get('')?.get(queue) : undefined;
    if (remembered !== undefined) return remembered;
    const destination = this.#cache.queue(queue);
    if (destination === undefined) {
      missing?.queues.add(queue);
      return undefined;
    }
    const route = { known: true, destinations: [destination], broadcasts: [], via: [] };
    if (this.#cache.isLocal) this.#remember('', queue, route);
    return route;
  }

  #walk(
    exchange: string,
    routingKey: string,
    headers: Headers,
    missing: Missing | undefined,
  ): ResolvedRoute | undefined {
    const via: CompiledExchange[] = [];
    const broadcasts: string[] = [];
    const queues = new Map<string, Destination>();
    const seen = new Set([exchange]);
    const found = new Set<BindingRecord>();
    let complete = true;
    let byKeyOnly = true;
    for (const name of seen) {
      const compiled = this.#cache.exchange(name);
      if (compiled === undefined) {
        if (this.#cache.isLocal || missing?.absent.has(name)) {
          if (name === exchange) return UNKNOWN;
        } else {
          missing?.exchanges.add(name);
          complete = false;
        }
        continue;
      }
      via.push(compiled);
      byKeyOnly &&= compiled.byKeyOnly;
      const broadcast = this.#broadcasts && compiled.type === 'fanout';
      if (broadcast) broadcasts.push(name);
      found.clear();
      compiled.router.route(routingKey, headers, found);
      const alternate = compiled.record?.arguments['alternate-exchange'];
      if (found.size === 0 && !broadcast && typeof alternate === 'string') seen.add(alternate);
      for (const binding of found) {
        if (binding.destinationType === 'exchange') seen.add(binding.destination);
        else if (!broadcast && !queues.has(binding.destination)) {
          const destination = this.#cache.queue(binding.destination);
          if (destination !== undefined) queues.set(binding.destination, destination);
          else {
            missing?.queues.add(binding.destination);
            complete = false;
          }
        }
      }
    }
    if (!complete) return undefined;
    const route = { known: true, destinations: [...queues.values()], broadcasts, via };
    if (byKeyOnly) this.#remember(exchange, routingKey, route);
    return route;
  }

  #remember(exchange: string, routingKey: string, route: ResolvedRoute): void {
    // Compiling a table for the first time changes the epoch: the next call starts anew then.
    if (this.#cache.epoch !== this.#epoch) return;
    let keys = this.#remembered.get(exchange);
    if (keys === undefined || keys.size >= MAX_KEYS) {
      keys = new Map();
      this.#remembered.set(exchange, keys);
    }
    keys.set(routingKey, route);
  }
}

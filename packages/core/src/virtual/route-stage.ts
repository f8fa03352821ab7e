import type { Link } from './link.js';
import type { PublishItem } from './publish-item.js';
import { noRoute, unknownExchange } from './publisher.js';
import { settingsOf } from './queue-arguments.js';
import type { Missing, ResolvedRoute } from './router.js';

/** How often tables are loaded for one batch before it is given up: chains of exchanges need one round a link. */
const MAX_ROUNDS = 50;

/** A publish and where it goes. */
export interface Routed {
  readonly item: PublishItem;
  readonly route: ResolvedRoute;
}

/**
 * Finds the queues of a batch of publishes. Nothing is waited for when everything is known; else what is missing is loaded
 * first. A message that no queue takes by what was known is routed again by tables read after it was published.
 */
export class RouteStage {
  readonly #link: Link;
  /** Exchanges that are not there, as of the last preparation. */
  #absent = new Set<string>();
  /** Queues of mandatory messages to the anonymous exchange that are not there, as of the last preparation. */
  #homeless: ReadonlySet<string> = new Set();

  constructor(link: Link) {
    this.#link = link;
  }

  /** Loads what routing these needs; undefined: nothing. Rejects when the store cannot be read. */
  prepare(items: readonly PublishItem[]): Promise<void> | undefined {
    this.#absent = new Set();
    this.#homeless = new Set();
    const missing = newMissing();
    const doubtful = this.#look(items, missing);
    const nothing = missing.exchanges.size === 0 && missing.queues.size === 0 && doubtful.length === 0;
    return nothing ? undefined : this.#load(items, missing, doubtful);
  }

  /** Where they go. Those that go nowhere are ended here, by their own rules; those to prepare again are in `again`. */
  route(items: readonly PublishItem[]): { readonly routed: readonly Routed[]; readonly again: readonly PublishItem[] } {
    const routed: Routed[] = [];
    const again: PublishItem[] = [];
    const missing = { ...newMissing(), absent: this.#absent };
    for (const item of items) {
      const route = this.#find(item, missing);
      if (route === undefined) again.push(item);
      else if (!route.known) item.fail(unknownExchange(item.route.exchange));
      else if (this.#goesNowhere(item, route)) this.#unroutable(item, routed);
      else routed.push({ item, route });
    }
    return { routed, again };
  }

  /** Routes everything once; returns those that need a fresh look before they go nowhere. */
  #look(items: readonly PublishItem[], missing: Missing): PublishItem[] {
    const doubtful: PublishItem[] = [];
    for (const item of items) {
      const route = this.#find(item, missing);
      if (route === undefined) continue;
      const fromStore = item.route.exchange !== '' && !this.#link.bindings.isLocal;
      if ((fromStore && (!route.known || isEmpty(route))) || this.#isUndeclared(item, route)) doubtful.push(item);
    }
    return doubtful;
  }

  async #load(items: readonly PublishItem[], missing: Missing, doubtful: readonly PublishItem[]): Promise<void> {
    const { bindings, driver, options } = this.#link;
    const homeless = new Set<string>();
    const loaded = new Set<string>();
    const asked = new Set<string>();
    let now = missing;
    for (const item of doubtful) this.#addTables(item, now);
    if (doubtful.length > 0 && options.deadletterQueue !== undefined) now.queues.add(options.deadletterQueue);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await Promise.all([
        ...[...now.exchanges].map(async (name) => {
          loaded.add(name);
          if ((await bindings.load(name)) === undefined) now.absent.add(name);
        }),
        ...[...now.queues].map((name) => bindings.loadQueue(name)),
      ]);
      const next: Missing = { exchanges: new Set(), queues: new Set(), absent: now.absent };
      const stillDoubtful = this.#look(items, next);
      for (const item of stillDoubtful) {
        if (item.route.exchange !== '') this.#addTables(item, next, loaded);
        else if (!asked.has(item.route.routingKey)) {
          asked.add(item.route.routingKey);
          if (!(await driver.hasQueue(item.route.routingKey))) homeless.add(item.route.routingKey);
        }
      }
      now = next;
      if (now.exchanges.size === 0 && now.queues.size === 0) break;
    }
    this.#absent = now.absent;
    this.#homeless = homeless;
  }

  /** The tables that a message was routed by, to be read again, less those that were read for this very batch. */
  #addTables(item: PublishItem, missing: Missing, loaded?: ReadonlySet<string>): void {
    if (item.route.exchange === '') return;
    const route = this.#find(item, newMissing());
    for (const name of [item.route.exchange, ...(route?.via.map((one) => one.name) ?? [])]) {
      if (!loaded?.has(name)) missing.exchanges.add(name);
    }
  }

  #find(item: PublishItem, missing: Missing): ResolvedRoute | undefined {
    const { exchange, routingKey } = item.route;
    return this.#link.routes.find(exchange, routingKey, item.message.headers, missing);
  }

  #isUndeclared(item: PublishItem, route: ResolvedRoute): boolean {
    const { exchange, mandatory } = item.route;
    return mandatory === true && exchange === '' && route.destinations[0]?.record === undefined;
  }

  #goesNowhere(item: PublishItem, route: ResolvedRoute): boolean {
    // What core publishes itself may go nowhere; and what was stored before a table changed has arrived.
    if (item.keep !== undefined || item.isOut) return false;
    return isEmpty(route) || (this.#isUndeclared(item, route) && this.#homeless.has(item.route.routingKey));
  }

  #unroutable(item: PublishItem, routed: Routed[]): void {
    const queue = this.#link.options.deadletterQueue;
    const error = noRoute(item.route);
    if (queue !== undefined) {
      this.#link.warn(error);
      const destination = this.#link.bindings.queue(queue) ?? {
        queue,
        record: undefined,
        settings: settingsOf(undefined),
      };
      routed.push({ item, route: { known: true, destinations: [destination], broadcasts: [], via: [] } });
      return;
    }
    if (item.route.mandatory) item.fail(error);
    else item.succeed();
  }
}

function newMissing(): Missing {
  return { exchanges: new Set(), queues: new Set(), absent: new Set() };
}

function isEmpty(route: ResolvedRoute): boolean {
  return route.destinations.length === 0 && route.broadcasts.length === 0;
}

import { OperationalError, UndeliverableError } from '../errors/index.js';
import type { Destination } from './binding-cache.js';
import type { ItemFailure, PutEntry, PutRequest, PutResult } from './driver.js';
import { asKombuError } from './driver-error.js';
import type { Link } from './link.js';
import type { PublishItem } from './publish-item.js';
import { expirationMs, expiresAt, type PublishHooks, putEntry } from './publisher.js';
import { settingsOf } from './queue-arguments.js';
import type { Routed } from './route-stage.js';
import type { ResolvedRoute } from './router.js';
import { TagSource } from './tag-source.js';

/** How often a message is routed anew because its tables keep changing. */
const MAX_ROUNDS = 20;

const NOWHERE: Destination = { queue: '', record: undefined, settings: settingsOf(undefined) };

/** A put on its way: which entry is whose, and the tables to compare. */
interface Batch {
  readonly entries: PutEntry[];
  readonly items: PublishItem[];
  readonly checks: Map<string, unknown>;
}

/**
 * Puts routed messages into their queues, many in one call. When the store finds that a table was changed meanwhile, what was
 * not stored is routed and put again, and what was stored is routed again to see whether it has to go further.
 */
export class PutSender {
  readonly #link: Link;
  readonly #hooks: PublishHooks;
  readonly #again: (items: readonly PublishItem[]) => void;
  readonly #tags = new TagSource();
  #onTheWay = 0;

  /** @param again routes and sends them once more */
  constructor(link: Link, hooks: PublishHooks, again: (items: readonly PublishItem[]) => void) {
    this.#link = link;
    this.#hooks = hooks;
    this.#again = again;
  }

  /** How many puts have not been answered. */
  get onTheWay(): number {
    return this.#onTheWay;
  }

  /** Sends each message to those of its queues that do not have it yet; one that is everywhere already has ended. */
  send(routed: readonly Routed[]): void {
    const { limits } = this.#link.driver;
    const most = limits.maxPutBatch ?? limits.maxBatch;
    const batches: Batch[] = [];
    const broadcasts: { readonly item: PublishItem; readonly exchange: string }[] = [];
    let batch: Batch | undefined;
    let checked: ResolvedRoute | undefined;
    for (const { item, route } of routed) {
      item.state = 'sent';
      item.rounds++;
      item.open++;
      for (const exchange of route.broadcasts) {
        if (item.hasReached(`fanout ${exchange}`)) continue;
        item.reach(`fanout ${exchange}`);
        item.open++;
        broadcasts.push({ item, exchange });
      }
      for (const to of route.destinations) {
        if (item.hasReached(to.queue) || item.keep?.(to.queue) === false) continue;
        const entry = this.#entry(item, to);
        if (entry === undefined) break;
        if (batch === undefined || batch.entries.length >= most) {
          batch = { entries: [], items: [], checks: new Map() };
          batches.push(batch);
          checked = undefined;
        }
        item.reach(to.queue);
        item.open++;
        batch.entries.push(entry);
        batch.items.push(item);
        if (route === checked) continue;
        checked = route;
        for (const { table } of route.via) {
          if (table.version !== undefined) batch.checks.set(table.name, table.version);
        }
      }
      this.#answered(item);
    }
    if (batches.length > 0) this.#hooks.flush();
    for (const one of batches) this.#put(one);
    if (broadcasts.length > 0) this.#broadcast(broadcasts);
  }

  #entry(item: PublishItem, to: Destination): PutEntry | undefined {
    const { clock, driver } = this.#link;
    const expires = expiresAt(expirationMs(item.message), to, clock.now);
    const deliveryTag = this.#tags.next();
    const payload = item.envelope.write(deliveryTag, expires);
    const most = driver.limits.maxPayloadBytes;
    const bytes = most !== undefined && payload.length * 3 > most ? Buffer.byteLength(payload) : 0;
    if (most !== undefined && bytes > most) {
      const what = `a message of ${item.message.body.byteLength} bytes, ${bytes} with its envelope,`;
      const limit = `is larger than ${this.#link.transport} can store (${most} bytes)`;
      item.fail(new UndeliverableError('MESSAGE_TOO_LARGE', `${what} ${limit}`));
      return undefined;
    }
    if (expires !== undefined) this.#hooks.willExpire(to.queue, expires);
    return putEntry(this.#link, item.message, item.route, to, { payload, deliveryTag, expiresAt: expires });
  }

  #put(batch: Batch): void {
    const check = this.#link.bindings.isLocal
      ? []
      : [...batch.checks].map(([exchange, version]) => ({ exchange, version }));
    const request: PutRequest = { entries: batch.entries, check };
    const failed = (cause: unknown): void => {
      this.#onTheWay--;
      const error = asKombuError(cause, 'storing a message failed');
      for (const item of batch.items) item.fail(error);
    };
    this.#onTheWay++;
    try {
      // A synchronous store is answered like any other: its callers have a promise already.
      void Promise.resolve(this.#link.driver.put(request)).then((result) => this.#stored(batch, result), failed);
    } catch (error) {
      failed(error);
    }
  }

  #stored(batch: Batch, result: PutResult): void {
    this.#onTheWay--;
    if (result.evicted.length > 0) this.#hooks.evicted(result.evicted);
    for (const { index, error } of result.failures) batch.items[index]?.fail(error);
    const stored = result.stale === undefined || result.stored === true;
    if (stored) for (const { queue } of batch.entries) this.#hooks.stored(queue);
    if (result.stale !== undefined) this.#stale(batch, result.stale, stored);
    for (const item of batch.items) this.#answered(item);
  }

  #stale(batch: Batch, tables: NonNullable<PutResult['stale']>, stored: boolean): void {
    this.#link.bindings.update(tables);
    const again = new Set<PublishItem>();
    for (const [i, item] of batch.items.entries()) {
      const entry = batch.entries[i];
      if (entry === undefined || item.state === 'done') continue;
      if (!stored) item.unreach(entry.queue);
      if (item.rounds >= MAX_ROUNDS) {
        const what = `the bindings of exchange '${item.route.exchange}' keep changing`;
        item.fail(new OperationalError('BROKER_BUSY', what));
      } else again.add(item);
    }
    // They are waiting again, so that answers of other puts do not end them.
    this.#again([...again]);
  }

  /** Fanout messages of one call, for whoever is subscribed. */
  #broadcast(sent: readonly { readonly item: PublishItem; readonly exchange: string }[]): void {
    const { clock, driver } = this.#link;
    const entries = sent.map(({ item, exchange }) => ({
      exchange,
      routingKey: item.route.routingKey,
      payload: item.envelope.write(this.#tags.next(), expiresAt(expirationMs(item.message), NOWHERE, clock.now)),
      message: item.message,
    }));
    const published =
      driver.broadcast === undefined
        ? driver.fanout?.publish(entries)
        : Promise.resolve(driver.broadcast.publish(entries)).then((failures): readonly ItemFailure[] => failures || []);
    Promise.resolve(published).then(
      (failures) => {
        for (const { index, error } of failures ?? []) sent[index]?.item.fail(error);
        for (const { item } of sent) this.#answered(item);
      },
      (cause: unknown) => {
        const error = asKombuError(cause, 'publishing to subscribers failed');
        for (const { item } of sent) item.fail(error);
      },
    );
  }

  /** One of the things that a message waits for has come. */
  #answered(item: PublishItem): void {
    item.open--;
    if (item.open === 0 && item.state === 'sent') item.succeed();
  }
}

import type { Reserved } from '@kombu/core/virtual';
import type { Filter, ObjectId } from 'mongodb';
import { claim, type MessageDocument } from './documents.js';
import type { DriverContext } from './driver-context.js';
import { giveBackAll } from './give-back.js';

/** A reserve stops once it has so many characters: a batch of large messages is not to fill the memory at both ends. */
const BATCH_CHARS = 4 * 1024 * 1024;
/** How often others may be quicker before one message is taken for certain. */
const MAX_ROUNDS = 4;
/** Among how many places those choose who compete for the messages of a queue, and how far these are from each other at most. */
const PLACES = 4;
const PLACE = 100;

/** Names a reservation: the message, the call that took it, and until when nobody else can have it, on this process's clock. */
export interface Token {
  readonly owner: string;
  readonly document: MessageDocument;
  until: number;
  /** The id that it has at the back of its queue, once it is requeued. */
  again?: ObjectId;
}

/** What a call takes messages with. */
interface Lease {
  readonly owner: string;
  readonly leaseMs: number;
}

/** The envelope; empty where somebody has stored what is none. */
function textOf({ payload }: { readonly payload?: unknown }): string {
  return typeof payload === 'string' ? payload : '';
}

/** The order in which messages are served. */
const ORDER = { priority: 1, _id: 1 } as const;

/** Takes messages out of everybody's sight. What is atomic is the update of each one: of all who want it, one gets it. */
export class Taker {
  readonly #context: DriverContext;
  /** Queues that somebody else was quicker at, the last time that their front was asked for. */
  readonly #contested = new Set<string>();

  constructor(context: DriverContext) {
    this.#context = context;
  }

  /**
   * Takes up to `max` messages of a queue, in order. Without competitors that is two calls: what is at the front is read, and then
   * claimed all at once. Where somebody was quicker with some of them, a third call tells which are ours, and the next round
   * brings the rest. Who competes does not always begin at the very front: all would want the same messages, and one get them.
   */
  async take(queue: string, max: number, leaseMs: number, filter: Filter<MessageDocument> = {}): Promise<Reserved[]> {
    const lease = { leaseMs, owner: this.#context.nextOwner() };
    const { unanswered } = this.#context;
    unanswered.add(lease.owner);
    try {
      const taken = await this.#rounds(queue, max, lease, filter);
      unanswered.delete(lease.owner);
      return taken;
    } catch (error) {
      // What was taken before it failed is nobody's. Where the link was lost, the next one gives it back.
      if (this.#context.link.isOpen) {
        unanswered.delete(lease.owner);
        giveBackAll(this.#context, [lease.owner]).catch(() => {});
      }
      throw error;
    }
  }

  async #rounds(queue: string, max: number, lease: Lease, filter: Filter<MessageDocument>): Promise<Reserved[]> {
    const taken: Reserved[] = [];
    const { leaseMs } = lease;
    let chars = 0;
    let round = 0;
    for (; taken.length < max && chars < BATCH_CHARS && round <= MAX_ROUNDS; round++) {
      const wanted = max - taken.length;
      if (wanted === 1 || round === MAX_ROUNDS) {
        const one = await this.#takeOne(queue, lease, filter);
        if (one === undefined) return taken;
        taken.push(one);
        chars += (one.payload as string).length;
        continue;
      }
      const places = this.#contested.has(queue) ? Math.floor(Math.random() * PLACES) : 0;
      const skip = places * Math.min(wanted, PLACE);
      const found = await this.#front({ queue, ...filter }, wanted, skip, BATCH_CHARS - chars);
      if (found.length === 0 && skip === 0) return taken;
      if (found.length === 0) {
        this.#contested.delete(queue);
        continue;
      }
      const until = this.#context.transport.clock.monotonic() + leaseMs;
      const ours = await this.#claim(queue, found, lease);
      for (const document of ours) {
        taken.push(this.#reserved(queue, document, lease.owner, until));
        chars += textOf(document).length;
      }
      if (ours.length < found.length) this.#contested.add(queue);
      else if (skip === 0) this.#contested.delete(queue);
      const isAll = ours.length === found.length && found.length < wanted && skip === 0;
      if (isAll && chars < BATCH_CHARS) return taken;
    }
    // Whoever gets less than was asked for takes it for all that there was.
    if (taken.length < max) this.#context.more(queue);
    return taken;
  }

  /** What is at the front of a queue, or behind what is skipped; less than `limit` where that is more than `chars`. */
  #front(
    filter: Filter<MessageDocument>,
    limit: number,
    skip: number,
    chars: number,
  ): Promise<readonly MessageDocument[]> {
    const { link, collections } = this.#context;
    return link.run('looking into a queue', async () => {
      const cursor = collections.messages.find(filter, { sort: ORDER, skip, limit, batchSize: limit });
      const found: MessageDocument[] = [];
      let read = 0;
      for await (const document of cursor) {
        found.push(document as MessageDocument);
        read += textOf(document as MessageDocument).length;
        if (read >= chars) break;
      }
      return found;
    });
  }

  /** Claims what was found; resolves with what is ours of it. */
  async #claim(
    queue: string,
    found: readonly MessageDocument[],
    { owner, leaseMs }: Lease,
  ): Promise<readonly MessageDocument[]> {
    const { link, collections, clock } = this.#context;
    const _id = { $in: found.map((document) => document._id) };
    const what = `reserving messages of queue '${queue}'`;
    const update = claim(owner, clock.in(leaseMs));
    const { matchedCount } = await link.run(what, () => collections.messages.updateMany({ _id, queue }, update));
    if (matchedCount === found.length) return found;
    if (matchedCount === 0) return [];
    const mine = { _id, owner };
    const ids = await link.run(what, () => collections.messages.find(mine, { projection: { _id: 1 } }).toArray());
    const own = new Set(ids.map((document) => String(document._id)));
    return found.filter((document) => own.has(String(document._id)));
  }

  async #takeOne(
    queue: string,
    { owner, leaseMs }: Lease,
    filter: Filter<MessageDocument>,
  ): Promise<Reserved | undefined> {
    const { link, collections, clock, transport } = this.#context;
    const until = transport.clock.monotonic() + leaseMs;
    const document = await link.run(`reserving a message of queue '${queue}'`, () =>
      collections.messages.findOneAndUpdate({ queue, ...filter }, claim(owner, clock.in(leaseMs)), { sort: ORDER }),
    );
    return document === null ? undefined : this.#reserved(queue, document as MessageDocument, owner, until);
  }

  #reserved(queue: string, document: MessageDocument, owner: string, until: number): Reserved {
    const expires = document.expires_at ?? document.expire_at;
    const token: Token = { owner, document, until };
    return {
      queue,
      token,
      payload: textOf(document),
      redelivered: document.redelivered === true,
      expiresAt: expires instanceof Date ? this.#context.clock.here(expires) : undefined,
    };
  }
}

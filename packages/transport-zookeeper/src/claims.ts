import type { Reserved } from '@kombu/core/virtual';
import { CODES } from './client.js';
import { type DriverContext, OVERHEAD_BYTES, requestBytes } from './driver-context.js';
import type { Outcome, Step } from './link.js';
import { makeBase } from './make-base.js';
import { claimNode } from './paths.js';

/** An entry of a queue that was read and is to be taken. */
export interface Entry {
  readonly name: string;
  readonly data: Buffer;
}

/** A reserved message: the token that core keeps. */
export interface Reservation {
  /** Its name in the queue, with its place among the others in it. */
  readonly entry: string;
  /** The znode that it is in now. */
  readonly claim: string;
  /** The session that took it. */
  readonly session: string;
  /** What goes back into the queue: the text that core has too, or the bytes where they are no text. */
  readonly payload: string | Buffer;
  /** Whether settling it was asked for before: over a link that was lost, so that nobody knows what came of it. */
  state: 'held' | 'settling';
}

/** What came of taking entries. */
export interface Taken {
  readonly reserved: Reserved[];
  /** Names that are not in the queue any more: ours now, or somebody else's. */
  readonly gone: string[];
  /** How many somebody else had taken. */
  readonly lost: number;
}

/**
 * Takes messages: out of the queue and into a znode of our own, in one transaction, so that they are always in exactly one of the two and
 * whoever else wants them, Python included, finds them gone. All that fits is one transaction; only when somebody else was
 * quicker with one of them each gets its own.
 */
export class Claims {
  readonly #context: DriverContext;
  #count = 0;

  constructor(context: DriverContext) {
    this.#context = context;
  }

  /** @param how `claim`: to be settled; `remove`: for good */
  async take(queue: string, entries: readonly Entry[], how: 'claim' | 'remove'): Promise<Taken> {
    // Without a wait where there is nothing to prepare: what is asked for behind this comes behind it.
    if (how === 'claim' && !this.#context.session.marked.has(queue)) await this.#prepare(queue);
    return together(batchesOf(entries, requestBytes(this.#context)).map((batch) => this.#takeBatch(queue, batch, how)));
  }

  async #takeBatch(queue: string, entries: readonly Entry[], how: 'claim' | 'remove'): Promise<Taken> {
    const tokens = entries.map((entry) => this.#token(queue, entry));
    const steps = entries.flatMap((entry, i) => this.#steps(queue, entry, tokens[i] as Reservation, how));
    const outcome = await this.#context.link.multi(`taking messages of queue '${queue}'`, steps);
    if (outcome.done) {
      if (how === 'claim') for (const { claim } of tokens) this.#context.session.held.add(claim);
      return {
        reserved: tokens.map((token, i) => reservedOf(queue, token, entries[i] as Entry, how)),
        gone: entries.map(({ name }) => name),
        lost: 0,
      };
    }
    const again = await this.#repair(queue, outcome, how);
    if (again === 'same') return this.#takeBatch(queue, entries, how);
    if (entries.length === 1) return { reserved: [], gone: entries.map(({ name }) => name), lost: 1 };
    return together(entries.map((entry) => this.#takeBatch(queue, [entry], how)));
  }

  /** What to do about a transaction that was refused: try the same once more, or each message by itself. */
  async #repair(queue: string, outcome: Outcome & { done: false }, how: 'claim' | 'remove'): Promise<'same' | 'each'> {
    const { link, session } = this.#context;
    if (outcome.code !== CODES.noNode) {
      throw link.translate({ code: outcome.code, message: 'refused' }, `taking messages of queue '${queue}'`);
    }
    if (how === 'remove' || outcome.at % 2 === 0) return 'each';
    // The place of claims went with a queue of this name that was deleted.
    session.marked.delete(queue);
    await this.#prepare(queue);
    return 'same';
  }

  #token(queue: string, { name, data }: Entry): Reservation {
    const { paths, session } = this.#context;
    const text = data.toString();
    return {
      entry: name,
      claim: `${paths.claimsOf(queue)}/${claimNode(name, session.name, this.#count++)}`,
      session: session.name,
      payload: text.includes('\ufffd') ? data : text,
      state: 'held',
    };
  }

  #steps(queue: string, { name, data }: Entry, { claim }: Reservation, how: 'claim' | 'remove'): Step[] {
    const remove: Step = { kind: 'remove', path: `${this.#context.paths.queue(queue)}/${name}` };
    return how === 'remove' ? [remove] : [remove, { kind: 'create', path: claim, data }];
  }

  /** Makes the place of a queue's claims, and notes that this session has some: that is where others look once it has died. */
  async #prepare(queue: string): Promise<void> {
    const { link, paths, session } = this.#context;
    if (session.marked.has(queue)) return;
    const nodes = [paths.claimsOf(queue), paths.heldBy(session.name), paths.heldFrom(session.name, queue)];
    const make = () => Promise.all(nodes.map((path) => link.create(path)));
    if ((await make()).includes(undefined)) {
      await makeBase(this.#context);
      await make();
    }
    session.marked.add(queue);
  }
}

/** All that was taken. What went wrong besides is met again by the next try, unless there is nothing else to tell of. */
async function together(parts: readonly Promise<Taken>[]): Promise<Taken> {
  const ended = await Promise.allSettled(parts);
  const taken = ended.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
  const failed = ended.find((part) => part.status === 'rejected');
  if (failed !== undefined && taken.every(({ reserved }) => reserved.length === 0)) throw failed.reason;
  return {
    reserved: taken.flatMap(({ reserved }) => reserved),
    gone: taken.flatMap(({ gone }) => gone),
    lost: taken.reduce((sum, { lost }) => sum + lost, 0),
  };
}

function reservedOf(queue: string, token: Reservation, { data }: Entry, how: 'claim' | 'remove'): Reserved {
  const payload = typeof token.payload === 'string' ? token.payload : data.toString();
  return { queue, token: how === 'claim' ? token : undefined, payload };
}

/** Entries in groups that one request can carry. */
function batchesOf(entries: readonly Entry[], most: number): Entry[][] {
  const batches: Entry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const bytes = entry.data.length + OVERHEAD_BYTES / 8;
    if (bytes > room || batches.length === 0) {
      batches.push([]);
      room = most;
    }
    batches.at(-1)?.push(entry);
    room -= bytes;
  }
  return batches;
}

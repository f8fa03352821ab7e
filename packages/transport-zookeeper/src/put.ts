import { type KombuError, UndeliverableError } from '@kombu/core';
import type {
  ItemFailure,
  PutEntry,
  PutRequest,
  PutResult,
  QueueLimits,
  Reserved,
  VirtualDriver,
} from '@kombu/core/virtual';
import { CODES } from './client.js';
import { type DriverContext, maxBodyBytes, requestBytes } from './driver-context.js';
import type { Outcome, Step } from './link.js';
import { entryPrefix } from './paths.js';
import { makeQueue, nameProblem } from './queues.js';

/** What putting needs of the other parts. */
export interface PutHooks {
  /** The step that is refused when an exchange's table is not what it was. */
  check(exchange: string, version: unknown): Step;
  /** The tables that have changed, as they are now. */
  stale(check: PutRequest['check']): Promise<NonNullable<PutResult['stale']>>;
  /** Pushes out what is more than a queue's limits allow. */
  evict(queue: string, limits: QueueLimits): Promise<readonly Reserved[]>;
}

/** A message on its way into its queue. */
interface Draft {
  readonly index: number;
  readonly entry: PutEntry;
  readonly data: Buffer;
}

/** Drafts that go in one transaction, and what is sent of them now. */
interface Part {
  drafts: Draft[];
  readonly answer: Promise<Outcome>;
}

/**
 * The part of the driver that stores. A batch is one transaction, which also checks that the tables it was routed by are still the
 * same; a large one is several, one right behind the other.
 */
export function createPut(context: DriverContext, hooks: PutHooks): VirtualDriver['put'] {
  const { link, paths } = context;
  const largest = maxBodyBytes(context.maxBufferBytes);
  const most = requestBytes(context);
  /** Something has to be put right before what comes next may be stored. */
  let repairing: Promise<unknown> | undefined;

  const stepOf = ({ entry, data }: Draft): Step => {
    const path = `${paths.queue(entry.queue)}/${entryPrefix(entry.priority)}`;
    return { kind: 'create', path, data, sequential: true };
  };
  const send = (drafts: readonly Draft[], checks: readonly Step[]): Promise<Outcome> =>
    link.multi('storing messages', [...checks, ...drafts.map(stepOf)]);

  /** Stores a part after all, or says what of it cannot be; `stale`: nothing of it was stored, its tables have changed. */
  const repair = async (
    part: Part,
    refused: Outcome & { done: false },
    checks: readonly Step[],
    failures: ItemFailure[],
  ): Promise<'stored' | 'stale'> => {
    let outcome: Outcome = refused;
    /** A queue that was made once and is gone again is being deleted by somebody. */
    const made = new Set<string>();
    while (!outcome.done) {
      const { at, code } = outcome;
      if (at < checks.length) return 'stale';
      const draft = part.drafts[at - checks.length];
      if (draft === undefined) throw link.translate({ code, message: 'refused' }, 'storing messages');
      const { queue } = draft.entry;
      if (code === CODES.noNode && !made.has(queue)) {
        made.add(queue);
        await makeQueue(context, queue);
      } else {
        const error = link.translate({ code, message: 'refused' }, `storing a message in queue '${queue}'`);
        failures.push({ index: draft.index, error });
        part.drafts = part.drafts.filter((other) => other !== draft);
      }
      if (part.drafts.length === 0) return 'stored';
      outcome = await send(part.drafts, checks);
    }
    return 'stored';
  };

  const finish = async (
    parts: readonly Part[],
    checks: readonly Step[],
    request: PutRequest,
    refused: readonly ItemFailure[],
  ): Promise<PutResult> => {
    const failures = [...refused];
    const outcomes = await Promise.all(parts.map(({ answer }) => answer));
    let stored = outcomes.some(({ done }) => done);
    let stale: NonNullable<PutResult['stale']> | undefined;
    for (const [i, part] of parts.entries()) {
      const outcome = outcomes[i] as Outcome;
      if (outcome.done) continue;
      if ((await repair(part, outcome, checks, failures)) === 'stale') {
        stale ??= await hooks.stale(request.check);
        if (!stored) return { failures: refused, evicted: [], stale, stored: false };
        // Another part is stored by the old tables: so is this, and core adds what the new ones do.
        const again = await send(part.drafts, []);
        if (!again.done) await repair(part, again, [], failures);
      }
      stored = true;
    }
    const evicted = await keepLimits(request, failures);
    return stale === undefined ? { failures, evicted } : { failures, evicted, stale, stored: true };
  };

  const keepLimits = async ({ entries }: PutRequest, failures: readonly ItemFailure[]): Promise<Reserved[]> => {
    const evicted: Reserved[] = [];
    const failed = new Set(failures.map(({ index }) => index));
    const limited = new Map<string, QueueLimits>();
    for (const [i, { queue, limits }] of entries.entries()) {
      if (limits !== undefined && !failed.has(i)) limited.set(queue, limits);
    }
    for (const [queue, limits] of limited) {
      try {
        evicted.push(...(await hooks.evict(queue, limits)));
      } catch (error) {
        // They are stored; the next publish pushes out what is too much.
        context.transport.warn(link.translate(error, `keeping queue '${queue}' within its limits`));
      }
    }
    return evicted;
  };

  /** Why a message cannot be stored at all. */
  const refusal = ({ queue, message }: PutEntry): KombuError | undefined => {
    const bytes = message.body.byteLength;
    if (bytes <= largest) return nameProblem(context, queue);
    const what = `a body of ${bytes} bytes is larger than ZooKeeper can store (${largest} bytes)`;
    return new UndeliverableError('MESSAGE_TOO_LARGE', what);
  };

  const begin = (request: PutRequest): Promise<PutResult> => {
    link.check();
    const checks = request.check.map(({ exchange, version }) => hooks.check(exchange, version));
    const groups: Draft[][] = [];
    const refused: ItemFailure[] = [];
    let room = 0;
    for (const [index, entry] of request.entries.entries()) {
      const error = refusal(entry);
      if (error !== undefined) {
        refused.push({ index, error });
        continue;
      }
      const data = Buffer.from(entry.payload as string);
      const bytes = data.length + Buffer.byteLength(entry.queue) + 200;
      if (bytes > room) {
        groups.push([]);
        room = most;
      }
      groups.at(-1)?.push({ index, entry, data });
      room -= bytes;
    }
    const parts = groups.map((drafts): Part => ({ drafts, answer: send(drafts, checks) }));
    for (const { answer } of parts) answer.catch(() => {});
    return Promise.all(parts.map(({ answer }) => answer)).then((answers) => {
      const finished = finish(parts, checks, request, refused);
      if (answers.every(({ done }) => done)) return finished;
      // What is asked for from now on waits, or it would come before what is put right.
      const mine = Promise.allSettled([repairing, finished]).then(() => {
        if (repairing === mine) repairing = undefined;
      });
      repairing = mine;
      return finished;
    });
  };

  return async (request) => {
    while (repairing !== undefined) await repairing;
    return begin(request);
  };
}

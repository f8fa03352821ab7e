import { ChannelError } from '@kombu/core';
import type { ConsulLink } from './link.js';
import { answerOf } from './translate-error.js';

/** Consul takes so many operations in one transaction. */
export const MAX_OPERATIONS = 64;
/** Consul takes so many bytes in the body of one transaction, by its default limits; a little room is left. */
export const MAX_TRANSACTION_BYTES = 512 * 1024 - 4096;
/** What an operation takes beside its key and value, in bytes. */
const OPERATION_BYTES = 120;

/** One operation of a transaction, as `/v1/txn` takes it. */
export interface Operation {
  readonly KV: {
    readonly Verb:
      | 'set'
      | 'cas'
      | 'lock'
      | 'unlock'
      | 'get'
      | 'check-index'
      | 'check-session'
      | 'check-not-exists'
      | 'delete'
      | 'delete-cas'
      | 'delete-tree';
    readonly Key: string;
    /** base64. */
    readonly Value?: string;
    readonly Index?: number;
    readonly Session?: string;
  };
}

/** A key as an answer has it. */
export interface Entry {
  readonly Key: string;
  /** base64; null: empty. */
  readonly Value: string | null;
  readonly LockIndex: number;
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
  /** Who has it locked. */
  readonly Session?: string;
}

interface TransactionAnswer {
  readonly Results: readonly { readonly KV: Entry }[] | null;
  readonly Errors: readonly { readonly OpIndex: number; readonly What: string }[] | null;
}

/** What came of operations that belong together: what they read and wrote, or why none of them was done. */
export type Outcome = { readonly entries: readonly Entry[] } | { readonly refused: string };

/** How many bytes an operation takes in the body of a transaction. */
export function operationBytes({ KV }: Operation): number {
  return OPERATION_BYTES + Buffer.byteLength(KV.Key) + (KV.Value?.length ?? 0);
}

export const encodeValue = (value: string): string => Buffer.from(value).toString('base64');
export const decodeValue = (value: string | null): string =>
  value === null ? '' : Buffer.from(value, 'base64').toString();

/**
 * Carries out a transaction: all of its operations, or none.
 *
 * @throws ChannelError ACCESS_REFUSED where the token may not do one of them
 */
export async function transact(
  link: ConsulLink,
  what: string,
  operations: readonly Operation[],
  signal?: AbortSignal,
): Promise<TransactionAnswer> {
  const { transaction } = link.client;
  const { data } = await link.call<TransactionAnswer>(
    what,
    async (o) => {
      try {
        return await transaction.create(operations as never, o as never);
      } catch (error) {
        // 409: one of them was not possible; the answer says which.
        const { response } = error as { response?: { body?: unknown } };
        if (answerOf(error)?.status !== 409) throw error;
        return [response, response?.body];
      }
    },
    { signal },
  );
  const denied = data.Errors?.find(({ What }) => /permission denied/i.test(What));
  if (denied !== undefined) throw new ChannelError('ACCESS_REFUSED', `${what} failed: ${denied.What}`);
  return data;
}

/**
 * Carries out groups of operations, each of them wholly or not at all, many in one transaction. A group that is refused takes no
 * other with it: the rest is sent again without it.
 */
export async function transactGroups(
  link: ConsulLink,
  what: string,
  groups: readonly (readonly Operation[])[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = Array.from({ length: groups.length }, () => ({ refused: '' }));
  let waiting = [...groups.keys()];
  while (waiting.length > 0) {
    const batch = nextBatch(groups, waiting);
    const refused = await transactBatch(link, what, groups, batch, outcomes);
    const done = new Set(refused.size === 0 ? batch : refused);
    waiting = waiting.filter((i) => !done.has(i));
  }
  return outcomes;
}

/** As many groups as fit into one transaction. */
function nextBatch(groups: readonly (readonly Operation[])[], waiting: readonly number[]): readonly number[] {
  const batch: number[] = [];
  let [count, bytes] = [0, 0];
  for (const i of waiting) {
    const group = groups[i] ?? [];
    for (const operation of group) bytes += operationBytes(operation);
    count += group.length;
    if (batch.length > 0 && (count > MAX_OPERATIONS || bytes > MAX_TRANSACTION_BYTES)) break;
    batch.push(i);
  }
  return batch;
}

/** Sends one transaction; the groups that were refused are returned, and then nothing of it was done. */
async function transactBatch(
  link: ConsulLink,
  what: string,
  groups: readonly (readonly Operation[])[],
  batch: readonly number[],
  outcomes: Outcome[],
): Promise<ReadonlySet<number>> {
  const operations: Operation[] = [];
  const owners: number[] = [];
  for (const i of batch) {
    for (const operation of groups[i] ?? []) {
      operations.push(operation);
      owners.push(i);
    }
  }
  const refused = new Set<number>();
  const { Results, Errors } = await transact(link, what, operations);
  for (const { OpIndex, What } of Errors ?? []) {
    const owner = owners[OpIndex] ?? -1;
    if (refused.has(owner)) continue;
    refused.add(owner);
    outcomes[owner] = { refused: What };
  }
  if (refused.size > 0) return refused;
  // In the order of the operations, but for those that leave nothing behind.
  let at = 0;
  for (const i of batch) {
    const entries: Entry[] = [];
    for (const { KV } of groups[i] ?? []) {
      const found = hasResult(KV.Verb) ? Results?.[at++]?.KV : undefined;
      if (found !== undefined) entries.push(found);
    }
    outcomes[i] = { entries };
  }
  return refused;
}

const hasResult = (verb: string): boolean => !verb.startsWith('delete') && verb !== 'check-not-exists';

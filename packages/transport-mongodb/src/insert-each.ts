import type { KombuError } from '@kombu/core';
import type { ItemFailure } from '@kombu/core/virtual';
import type { Collection } from 'mongodb';
import type { MongodbLink } from './link.js';
import { translateError } from './translate-error.js';

/** What the driver tells of the documents of a batch that were not stored. */
interface BulkFailure {
  readonly writeErrors?: readonly { readonly index: number }[] | { readonly index: number };
}

/** Stores in order; what the server refuses is left out and told, and what stands behind it is stored all the same. */
export async function insertEach<D extends object>(
  link: MongodbLink,
  collection: Collection<D>,
  documents: readonly D[],
  what: string,
  signal?: AbortSignal,
): Promise<readonly ItemFailure[]> {
  const failures: ItemFailure[] = [];
  for (let from = 0; from < documents.length; ) {
    const rest = documents.slice(from);
    const store = () => collection.insertMany(rest as never).then(() => undefined, refused);
    const failure = await link.run(what, store, signal);
    if (failure === undefined) break;
    failures.push({ index: from + failure.at, error: failure.error });
    from += failure.at + 1;
  }
  return failures;
}

/** Which document of a batch the server refused, and why; throws what was not about one. */
function refused(thrown: unknown): { readonly at: number; readonly error: KombuError } {
  const { writeErrors } = thrown as BulkFailure;
  const [first] = Array.isArray(writeErrors) ? writeErrors : [writeErrors];
  if (first === undefined) throw thrown;
  return { at: first.index, error: translateError(thrown, 'storing a message').error };
}

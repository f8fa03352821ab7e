import { KombuError, type KombuErrorCode, markAsKombuError } from '../errors/kombu-error.js';

/**
 * Some messages of a `publishMany` were not published (`NOT_PUBLISHED`): `errors` has why, `indexes` which, counted from 0. It is
 * an AggregateError, and `KombuError.is` recognises it.
 */
export class PublishManyError extends AggregateError {
  /** Always `ERR_KOMBU_NOT_PUBLISHED`; what happened to each message is in the `code` of its error. */
  readonly code: KombuErrorCode = 'ERR_KOMBU_NOT_PUBLISHED';
  /** Whether all of `errors` are retryable. */
  readonly retryable: boolean;
  /** The positions of the messages that `errors` belong to. */
  readonly indexes: readonly number[];

  constructor(failures: readonly { readonly index: number; readonly error: unknown }[], total: number) {
    const sorted = [...failures].sort((a, b) => a.index - b.index);
    const errors = sorted.map(({ error }) => error);
    super(errors, `${sorted.length} of ${total} messages were not published${firstReason(errors)}`);
    this.name = 'PublishManyError';
    this.retryable = errors.every((error) => KombuError.is(error) && error.retryable);
    this.indexes = sorted.map(({ index }) => index);
    markAsKombuError(this);
  }
}

/** Why the first of them was not. */
function firstReason(errors: readonly unknown[]): string {
  if (errors.length === 0) return '';
  const [first] = errors;
  const reason = first instanceof Error || KombuError.is(first) ? first.message : String(first);
  return `; ${errors.length === 1 ? 'the reason' : 'the first reason'}: ${reason}`;
}

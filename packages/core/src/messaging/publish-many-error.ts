/** Some messages of a `publishMany` were not published: `errors` has why, `indexes` which, counted from 0. */
export class PublishManyError extends AggregateError {
  /** The positions of the messages that `errors` belong to. */
  readonly indexes: readonly number[];

  constructor(failures: readonly { readonly index: number; readonly error: unknown }[], total: number) {
    const sorted = [...failures].sort((a, b) => a.index - b.index);
    super(
      sorted.map(({ error }) => error),
      `${sorted.length} of ${total} messages were not published`,
    );
    this.name = 'PublishManyError';
    this.indexes = sorted.map(({ index }) => index);
  }
}

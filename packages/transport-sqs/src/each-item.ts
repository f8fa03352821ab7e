import type { KombuError } from '@kombu/core';
import { asKombuError, type ItemFailure } from '@kombu/core/virtual';

/** What takes items and sends them together once it is flushed. */
export interface Sender {
  flush(): void;
}

/**
 * Hands each of many items to its sender, flushes those, and resolves with the items that failed once all have been answered. What
 * `act` throws is the failure of its item alone.
 *
 * @param act gives the item to a sender, which calls `done` once
 */
export function eachItem<T>(
  items: readonly T[],
  what: (item: T) => string,
  act: (item: T, done: (error: KombuError | undefined) => void) => Sender,
): Promise<ItemFailure[]> {
  return new Promise((resolve) => {
    const failures: ItemFailure[] = [];
    const senders = new Set<Sender>();
    let open = 1;
    const answered = (index: number, error: KombuError | undefined): void => {
      if (error !== undefined) failures.push({ index, error });
      if (--open === 0) resolve(failures);
    };
    for (const [index, item] of items.entries()) {
      open++;
      try {
        senders.add(act(item, (error) => answered(index, error)));
      } catch (error) {
        answered(index, asKombuError(error, `${what(item)} failed`));
      }
    }
    for (const sender of senders) sender.flush();
    answered(-1, undefined);
  });
}

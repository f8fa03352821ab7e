import type { ItemFailure } from '@kombu/core/virtual';

/** How many items go into one call at most. */
const MOST = 1000;

interface Waiting<T> {
  readonly items: readonly T[];
  readonly resolve: (failures: readonly ItemFailure[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes one call at a time of many: what comes while one is on its way goes into the next, together. A slow server gets fewer and
 * larger calls, a fast one each at once.
 *
 * @param call does it, and tells which failed by their `index`
 */
export function merged<T extends { readonly index: number }>(
  call: (items: readonly T[]) => Promise<readonly ItemFailure[]>,
): (items: readonly T[]) => Promise<readonly ItemFailure[]> {
  const waiting: Waiting<T>[] = [];
  let state: 'idle' | 'calling' = 'idle';

  const some = (): readonly Waiting<T>[] => {
    let count = 0;
    const fits = waiting.findIndex(({ items }, i) => {
      count += items.length;
      return i > 0 && count > MOST;
    });
    return waiting.splice(0, fits < 0 ? waiting.length : fits);
  };

  const send = async (group: readonly Waiting<T>[]): Promise<void> => {
    // Each item gets the number of its place in the whole.
    const all = group.flatMap(({ items }) => items).map((item, index) => ({ ...item, index }));
    try {
      const failures = await call(all);
      let from = 0;
      for (const { items, resolve } of group) {
        const to = from + items.length;
        const mine = failures.filter(({ index }) => index >= from && index < to);
        const start = from;
        resolve(mine.map(({ index, error }) => ({ index: items[index - start]?.index ?? 0, error })));
        from = to;
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };

  const pump = async (): Promise<void> => {
    state = 'calling';
    while (waiting.length > 0) await send(some());
    state = 'idle';
  };

  return (items) =>
    new Promise((resolve, reject) => {
      waiting.push({ items, resolve, reject });
      if (state === 'idle') void pump();
    });
}

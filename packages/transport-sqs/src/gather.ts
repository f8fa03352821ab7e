/**
 * Resolves with what several receives bring. Once one of them has brought something, the others have so long: a lease runs from its
 * receive on, so what is here is not kept waiting for what is slow. Rejects when none brought anything and one failed.
 *
 * @param late takes a receive that was not waited for
 */
export function gather<T>(
  receives: readonly Promise<readonly T[]>[],
  graceMs: number,
  late: (receive: Promise<readonly T[]>) => void,
): Promise<readonly T[]> {
  return new Promise((resolve, reject) => {
    const got: T[] = [];
    const open = new Set(receives);
    let failure: unknown;
    let timer: NodeJS.Timeout | undefined;
    const landed = (receive: Promise<readonly T[]>): void => {
      if (!open.delete(receive)) return;
      if (open.size > 0) {
        if (got.length > 0) timer ??= setTimeout(leave, graceMs);
        return;
      }
      clearTimeout(timer);
      // What has been received is delivered, whatever became of the rest.
      if (failure !== undefined && got.length === 0) reject(failure as Error);
      else resolve(got);
    };
    const leave = (): void => {
      for (const receive of open) late(receive);
      open.clear();
      resolve(got);
    };
    for (const receive of receives) {
      receive.then(
        (part) => {
          if (open.has(receive)) got.push(...part);
          landed(receive);
        },
        (error: unknown) => {
          failure ??= error;
          landed(receive);
        },
      );
    }
  });
}

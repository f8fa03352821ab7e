import type { MaybePromise } from '../transport/index.js';

/** Milliseconds of work that are done at once before other things get their turn. */
const SLICE_MS = 8;

/**
 * Work that is done in steps of at most a few milliseconds each. What is done within one slice ends here and now; longer work
 * goes on in later turns of the event loop, so that it never holds up sockets and timers.
 */
export function runSteps<T>(steps: Generator<void, T>): MaybePromise<T> {
  const step = slice(steps);
  return step.done === true ? step.value : continueLater(steps);
}

async function continueLater<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    const step = slice(steps);
    if (step.done === true) return step.value;
  }
}

function slice<T>(steps: Generator<void, T>): IteratorResult<void, T> {
  const end = performance.now() + SLICE_MS;
  let step = steps.next();
  while (step.done !== true && performance.now() < end) step = steps.next();
  return step;
}

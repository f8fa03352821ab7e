/**
 * The brokers of a run. One after the other, so that a measurement has the machine for itself; in a quick look, which is not for
 * its numbers, they all start at once and rest until it is their turn, and nothing waits for one to end.
 *
 * @param {readonly import('./suites.js').Suite[]} suites
 * @param {AbortSignal} [quick] when a quick look has to be over
 */
export function createBrokerPool(suites, quick) {
  const starting = new Map();
  const ending = [];
  const start = (suite) => {
    if (!starting.has(suite))
      starting.set(
        suite,
        suite.start().catch(({ message }) => ({ unavailable: message })),
      );
    return starting.get(suite);
  };
  if (quick !== undefined) for (const suite of suites) start(suite);
  return {
    /** Resolves with the broker of a suite, or `{ unavailable }`. */
    async get(suite) {
      return quick === undefined ? start(suite) : Promise.race([start(suite), whenAborted(quick)]);
    },
    /** Ends the broker of a suite that is done. */
    async end(broker) {
      const ended = broker.close();
      if (quick === undefined) await ended;
      else ending.push(ended.catch(() => {}));
    },
    /** Resolves when all brokers that were ended are gone. */
    async allEnded() {
      await Promise.all(ending);
    },
  };
}

function whenAborted(signal) {
  return new Promise((resolve) => {
    const end = () => resolve({ unavailable: `${signal.reason.message} before it was ready` });
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

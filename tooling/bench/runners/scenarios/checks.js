import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Throws unless the broker comes to rest at these counts, within ten seconds or `settings.restMs`: unconfirmed messages may still
 * be on the way, and some stores count with a delay.
 */
export async function expectCounts(adapter, { restMs = 10_000 }, expected, everyMs = 20) {
  if (adapter.storesNothing) return;
  const deadline = performance.now() + restMs;
  for (;;) {
    const counts = await adapter.counts();
    const wrong = Object.keys(expected).filter(
      (name) => counts[name] !== expected[name] && !(name === 'inFlight' && counts.inFlight === undefined),
    );
    if (wrong.length === 0) return;
    if (performance.now() > deadline) {
      throw new Error(wrong.map((name) => `${name}: ${counts[name]} messages instead of ${expected[name]}`).join(', '));
    }
    await sleep(everyMs);
  }
}

/**
 * Keeps count of `messages` deliveries by their number. It remembers instead of throwing, since many libraries swallow what a
 * handler throws; `check()` tells.
 */
export function countDeliveries(messages, { silenceMs = 30_000 } = {}) {
  const seen = new Uint8Array(messages);
  let first;
  let distinct = 0;
  let deliveries = 0;
  let foreign = 0;
  let done;
  const all = new Promise((resolve) => {
    done = resolve;
  });
  return {
    get deliveries() {
      return deliveries;
    },
    /** When the first message came, as `performance.now()` has it. */
    get firstAt() {
      return first;
    },
    take({ args: [i] }) {
      first ??= performance.now();
      deliveries++;
      if (!(i >= 0 && i < messages)) foreign++;
      else if (seen[i]++ === 0 && ++distinct === messages) done();
    },
    /** Resolves when each message has come once; rejects when nothing has come for `silenceMs`. */
    async everyone() {
      let before = -1;
      let timer;
      const silence = new Promise((_, reject) => {
        timer = setInterval(() => {
          if (deliveries === before) reject(new Error(`${messages - distinct} of ${messages} messages are missing`));
          before = deliveries;
        }, silenceMs);
      });
      try {
        await Promise.race([all, silence]);
      } finally {
        clearInterval(timer);
      }
    },
    /** Throws unless each message has come, and once. */
    check() {
      if (foreign > 0) throw new Error(`${foreign} messages came that were not sent`);
      if (distinct < messages) throw new Error(`${messages - distinct} of ${messages} messages are missing`);
      if (deliveries !== messages) throw new Error(`${deliveries - messages} of ${messages} messages came twice`);
    },
  };
}

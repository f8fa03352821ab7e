import { backlog } from './scenarios/backlog.js';
import { consume } from './scenarios/consume.js';
import { idle } from './scenarios/idle.js';
import { latency } from './scenarios/latency.js';
import { memory } from './scenarios/memory.js';
import { publish } from './scenarios/publish.js';

/**
 * What every subject and every reference is put through, so that all do the same work. A runner hands in an adapter:
 *
 * - `open(settings)`, `close()`
 * - `clear()`: makes the queues exist, empty
 * - `publish(body, i)`: a promise of the broker having it, or with `settings.confirm === false` of having been sent
 * - `counts()`: `{ stored, inFlight? }` as the broker counts, not the client; `inFlight` (delivered, not yet settled) where the
 *   broker tells
 * - `storesNothing`: instead of `counts()`, for a reference that is no queue (a publish/subscribe hop)
 * - `consume(onBody)`: starts consuming with `settings.prefetch`; each body is acknowledged once `onBody` has returned.
 *   Resolves with `stop()`, which resolves when the last acknowledgement has reached the broker; this is in the time measured
 * - `release()`, optional, after `stop()` and not measured: ends the consumer's link, so that what it had not settled is
 *   `stored` again and is found out
 * - `calls()`, optional: how many calls to the broker this process has made so far. Shown per 1,000 messages
 *
 * All must be exact: a scenario throws when a message is missing, comes twice, or stays behind.
 */
export const SCENARIOS = { publish, consume, backlog, latency, memory, idle };

/** Runs the scenario that the settings name, and prints its figures as JSON. */
export async function run(adapter) {
  const settings = JSON.parse(process.argv.at(-1));
  const scenario = SCENARIOS[settings.scenario];
  if (scenario === undefined) throw new Error(`there is no scenario '${settings.scenario}'`);
  await adapter.open(settings);
  await adapter.clear();
  const figures = await scenario(adapter, settings);
  await adapter.close();
  console.log(JSON.stringify(figures));
}

import type { PutEntry, PutRequest, Reserved, StoredMessage, VirtualDriver } from '@kombu/core/virtual';
import { body, declareGroup, expiry, limits, order, priority, publishConsume, routingFanout } from '../../src/index.js';
import { driverSaboteur, type Saboteur } from './saboteur.js';

type Change = (entries: readonly PutEntry[]) => readonly PutEntry[];

/** Puts something else than it was told to. */
function putting(change: () => Change): () => (driver: VirtualDriver) => Partial<VirtualDriver> {
  return () => {
    const make = change();
    return (driver) => ({
      put: (request: PutRequest, o) => driver.put({ ...request, entries: make(request.entries) }, o),
    });
  };
}

const stored = (entry: PutEntry): StoredMessage => entry.payload as StoredMessage;

function withMessage(entry: PutEntry, change: Partial<StoredMessage['message']>): PutEntry {
  const message = { ...entry.message, ...change };
  return { ...entry, message, payload: { ...stored(entry), message } };
}

/** Drivers that store wrongly. */
export const storing: readonly Saboteur[] = [
  driverSaboteur(
    { name: 'drops one message in a hundred', group: publishConsume, caughtBy: /a thousand messages/ },
    putting(() => {
      let n = 0;
      return (entries) => entries.filter(() => ++n % 100 !== 0);
    }),
  ),
  driverSaboteur(
    { name: 'stores one message in fifty twice', group: publishConsume, caughtBy: /a thousand messages/ },
    putting(() => {
      let n = 0;
      return (entries) => entries.flatMap((entry) => (++n % 50 === 0 ? [entry, entry] : [entry]));
    }),
  ),
  driverSaboteur(
    { name: 'turns priorities round', group: priority, caughtBy: /the higher priority comes first/ },
    putting(() => (entries) => entries.map((entry) => ({ ...entry, priority: 9 - entry.priority }))),
  ),
  driverSaboteur(
    { name: 'forgets priorities', group: priority, caughtBy: /the higher priority comes first/ },
    putting(() => (entries) => entries.map((entry) => ({ ...entry, priority: 0 }))),
  ),
  driverSaboteur({ name: 'puts the newest in front', group: order, caughtBy: /one consumer gets the messages/ }, () => {
    const entryOf = new WeakMap<object, PutEntry>();
    const { signal } = new AbortController();
    return (driver) => ({
      put(request: PutRequest) {
        for (const entry of request.entries) {
          entryOf.set(stored(entry), entry);
          const everything = { queues: [entry.queue], max: 10_000, leaseMs: 60_000, noAck: true, waitMs: 0, signal };
          // The memory driver is synchronous: nothing comes in between.
          const older = driver.reserve(everything) as readonly Reserved[];
          const again = older.flatMap((r) => entryOf.get(r.payload as StoredMessage) ?? []);
          driver.put({ entries: [entry, ...again], check: [] });
        }
        return { failures: [], evicted: [] };
      },
    });
  }),
  driverSaboteur(
    { name: 'cuts bodies at 64 KiB', group: body, caughtBy: /sizes around the powers of two/ },
    putting(
      () => (entries) => entries.map((entry) => withMessage(entry, { body: entry.message.body.subarray(0, 65_536) })),
    ),
  ),
  driverSaboteur(
    { name: 'treats bodies as text', group: body, caughtBy: /all 256 values/ },
    putting(
      () => (entries) =>
        entries.map((entry) =>
          withMessage(entry, { body: Buffer.from(Buffer.from(entry.message.body).toString('utf8')) }),
        ),
    ),
  ),
  driverSaboteur(
    { name: 'keeps headers in one byte a character', group: body, caughtBy: /headers: text of every alphabet/ },
    putting(
      () => (entries) =>
        entries.map((entry) => {
          const narrow = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');
          const pairs = Object.entries(entry.message.headers);
          return withMessage(entry, {
            headers: Object.fromEntries(pairs.map(([k, v]) => [k, typeof v === 'string' ? narrow(v) : v])),
          });
        }),
    ),
  ),
  driverSaboteur(
    { name: 'keeps integers in 32 bits', group: body, caughtBy: /headers: integers of every size/ },
    putting(
      () => (entries) =>
        entries.map((entry) => {
          const pairs = Object.entries(entry.message.headers);
          return withMessage(entry, {
            headers: Object.fromEntries(pairs.map(([k, v]) => [k, typeof v === 'number' ? v | 0 : v])),
          });
        }),
    ),
  ),
  driverSaboteur(
    { name: 'ignores expiry', group: expiry, caughtBy: /an expired message is not delivered/ },
    putting(
      () => (entries) =>
        entries.map((entry) => {
          const { expiration: _, ...properties } = entry.message.properties;
          return { ...withMessage(entry, { properties }), expiresAt: undefined };
        }),
    ),
  ),
  driverSaboteur(
    { name: 'ignores max-length', group: limits, caughtBy: /max-length drops the oldest/ },
    putting(() => (entries) => entries.map((entry) => ({ ...entry, limits: undefined }))),
  ),
  driverSaboteur(
    { name: 'loses what max-length pushes out', group: limits, caughtBy: /what max-length pushes out/ },
    () => (driver) => ({
      async put(request: PutRequest, o) {
        const result = await driver.put(request, o);
        await driver.settle(result.evicted.map(({ queue, token }) => ({ queue, token, outcome: 'drop' })));
        return { ...result, evicted: [] };
      },
    }),
  ),
  driverSaboteur(
    { name: 'loses dead letters', group: limits, caughtBy: /a rejected message goes to the dead-letter/ },
    putting(() => (entries) => entries.filter((entry) => entry.message.headers['x-death'] === undefined)),
  ),
  driverSaboteur(
    { name: 'sends fanout to the first queue only', group: routingFanout, caughtBy: /every queue gets every message/ },
    putting(() => (entries) => {
      const seen = new Set<object>();
      return entries.filter((entry) => {
        const first = !seen.has(entry.message.body);
        seen.add(entry.message.body);
        return first;
      });
    }),
  ),
  driverSaboteur(
    { name: 'says that it purged nothing', group: declareGroup, caughtBy: /purge empties a queue/ },
    () => (driver) => ({
      async purge(name, o) {
        await driver.purge(name, o);
        return 0;
      },
    }),
  ),
];

import type { Reserved, ReserveRequest, Settlement } from '@kombu/core/virtual';
import { abort, close, concurrency, get, lease, settle } from '../../src/index.js';
import { driverSaboteur, type Saboteur } from './saboteur.js';

/** Drivers that hand out or settle wrongly. */
export const taking: readonly Saboteur[] = [
  driverSaboteur(
    { name: 'deletes what it hands out', group: close, caughtBy: /everything unsettled goes back/ },
    () => (driver) => ({
      reserve: (request: ReserveRequest) => driver.reserve({ ...request, noAck: true }),
      settle: () => [],
    }),
  ),
  driverSaboteur(
    { name: 'loses what it took when it is aborted', group: abort, caughtBy: /aborted .* lose nothing/ },
    () => (driver) => ({
      async reserve(request: ReserveRequest) {
        const taken = await driver.reserve(request);
        await new Promise((resolve) => setTimeout(resolve, 1));
        return request.signal.aborted ? [] : taken;
      },
    }),
  ),
  driverSaboteur(
    { name: 'does not hide what it hands out', group: get, caughtBy: /what was taken is hidden/ },
    () => (driver) => ({
      async reserve(request: ReserveRequest) {
        const taken = await driver.reserve(request);
        if (!request.noAck)
          await driver.settle(taken.map(({ queue, token }) => ({ queue, token, outcome: 'release' })));
        return taken;
      },
      settle: () => [],
    }),
  ),
  driverSaboteur({ name: 'looks at the first queue only', group: concurrency, caughtBy: /many empty queues/ }, () => {
    let fixed: string | undefined;
    return (driver) => ({
      limits: { ...driver.limits, queuesPerReserve: 100 },
      reserve(request: ReserveRequest) {
        fixed ??= request.queues.length > 1 ? request.queues[0] : undefined;
        const queues = request.queues.length > 1 ? request.queues.filter((queue) => queue === fixed) : request.queues;
        return queues.length === 0 ? [] : driver.reserve({ ...request, queues });
      },
    });
  }),
  driverSaboteur(
    { name: 'never says that a message comes again', group: settle, caughtBy: /flagged as redelivered/ },
    () => (driver) => ({
      async reserve(request: ReserveRequest) {
        const taken = await driver.reserve(request);
        return taken.map((r) => ({ ...r, redelivered: false, attempts: undefined }));
      },
    }),
  ),
  driverSaboteur(
    { name: 'drops what is requeued', group: settle, caughtBy: /ack removes, reject drops, requeue brings back/ },
    () => (driver) => ({
      settle: (items: readonly Settlement[], o) =>
        driver.settle(
          items.map((item) => (item.outcome === 'requeue' ? { ...item, outcome: 'drop' } : item)),
          o,
        ),
    }),
  ),
  driverSaboteur(
    { name: 'requeues what is rejected', group: settle, caughtBy: /ack removes, reject drops, requeue brings back/ },
    () => (driver) => ({
      settle: (items: readonly Settlement[], o) =>
        driver.settle(
          items.map((item) => (item.outcome === 'drop' ? { ...item, outcome: 'requeue' } : item)),
          o,
        ),
    }),
  ),
  driverSaboteur(
    { name: 'copies what is requeued into every queue it was in', group: settle, caughtBy: /topic exchange returns/ },
    () => {
      const copies = new Map<object, Set<string>>();
      const taken = new Map<unknown, Reserved>();
      const bodyOf = (r: Reserved): object => (r.payload as { message: { body: object } }).message.body;
      return (driver) => ({
        put(request, o) {
          for (const entry of request.entries) {
            const queues = copies.get(entry.message.body) ?? new Set();
            copies.set(entry.message.body, queues.add(entry.queue));
          }
          return driver.put(request, o);
        },
        async reserve(request: ReserveRequest) {
          const found = await driver.reserve(request);
          for (const r of found) taken.set(r.token, r);
          return found;
        },
        async settle(items: readonly Settlement[], o) {
          for (const item of items) {
            const r = taken.get(item.token);
            if (item.outcome !== 'requeue' || r === undefined) continue;
            const payload = r.payload as { message: never; exchange: string; routingKey: string };
            const others = [...(copies.get(bodyOf(r)) ?? [])].filter((queue) => queue !== item.queue);
            await driver.put({
              check: [],
              entries: others.map((queue) => ({
                ...payload,
                queue,
                payload,
                deliveryTag: '',
                priority: 0,
                expiresAt: undefined,
                bytes: 1,
                limits: undefined,
              })),
            });
          }
          return driver.settle(items, o);
        },
      });
    },
  ),
  driverSaboteur(
    { name: 'settles the oldest delivery, whichever was meant', group: get, caughtBy: /settled in any order/ },
    () => {
      const held = new Map<string, unknown[]>();
      return (driver) => ({
        async reserve(request: ReserveRequest) {
          const found = await driver.reserve(request);
          if (!request.noAck) for (const r of found) held.set(r.queue, [...(held.get(r.queue) ?? []), r.token]);
          return found;
        },
        settle(items: readonly Settlement[], o) {
          const wrong = items.map((item) => ({ ...item, token: held.get(item.queue)?.shift() ?? item.token }));
          return driver.settle(wrong, o);
        },
      });
    },
  ),
  driverSaboteur(
    { name: 'settles by a tag that another queue has, too', group: settle, caughtBy: /two queues with the same tags/ },
    () => {
      const tags = new Map<unknown, { readonly queue: string; readonly tag: number }>();
      const byTag = new Map<number, Map<string, unknown>>();
      const counters = new Map<string, number>();
      return (driver) => ({
        async reserve(request: ReserveRequest) {
          const found = await driver.reserve(request);
          for (const { queue, token } of found) {
            const tag = (counters.get(queue) ?? 0) + 1;
            counters.set(queue, tag);
            tags.set(token, { queue, tag });
            byTag.set(tag, (byTag.get(tag) ?? new Map()).set(queue, token));
          }
          return found;
        },
        settle(items: readonly Settlement[], o) {
          const wrong = items.map((item) => {
            const tag = tags.get(item.token)?.tag ?? 0;
            const all = [...(byTag.get(tag) ?? [])];
            const [queue, token] = all.at(-1) ?? [item.queue, item.token];
            return { ...item, queue, token };
          });
          return driver.settle(wrong, o);
        },
      });
    },
  ),
  driverSaboteur(
    { name: 'takes a message away from a handler that is slow', group: lease, caughtBy: /longer than the lease/ },
    () => (driver) => ({
      async reserve(request: ReserveRequest) {
        const found = await driver.reserve(request);
        if (request.noAck) return found;
        const take = (): void => {
          try {
            driver.settle(found.map(({ queue, token }) => ({ queue, token, outcome: 'requeue' })));
          } catch {
            // The link is gone by now, and has put everything back.
          }
        };
        setTimeout(take, request.leaseMs).unref();
        return found;
      },
      limits: { ...driver.limits, lease: 'message' },
      extend: async () => [],
      recover: async () => 0,
    }),
    { capabilities: { lease: 'message' } },
  ),
];

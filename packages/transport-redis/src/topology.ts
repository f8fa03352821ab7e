import { uuid } from '@kombu/core';
import type { ExchangeRecord, QueueRecord, TopologyStore } from '@kombu/core/virtual';
import { predeclaredType } from '@kombu/core/virtual';
import { bindingMember, ownBinding } from './binding-members.js';
import type { DriverContext } from './driver-context.js';
import { bind, unbind } from './lua/bindings.js';
import { dropExchange, loadExchange, saveExchange } from './lua/exchanges.js';
import { dropQueue, saveQueue } from './lua/queue-records.js';
import { isNothing, parseRecord, readTable } from './routing-table.js';
import { takenName } from './taken-name.js';

/** KEYS[1..2] of every script that includes `topologyLib`. */
export function topologyKeys({ keys }: DriverContext): string[] {
  return [keys.exchanges, keys.expiring];
}

/** ARGV[1..3] of every script that includes `topologyLib`. */
export function topologyArgs({ keys }: DriverContext): string[] {
  return [keys.prefix, keys.sep, uuid()];
}

/** After how many milliseconds without use a queue goes away, as it was declared; `''`: never. */
function expiresOf(record: QueueRecord): number | '' {
  const expires = record.arguments['x-expires'];
  return typeof expires === 'number' && expires > 0 ? Math.ceil(expires) : '';
}

/**
 * Declarations in Redis: bindings of queues in the sets that Python reads, everything else in records of our own.
 *
 * @param tellsOfDrops whether CLIENT TRACKING tells of records that are gone
 */
export function createTopology(context: DriverContext, tellsOfDrops: boolean): TopologyStore {
  const { link, keys } = context;
  const shared = topologyKeys(context);
  const jsonOf = (record: object) =>
    JSON.stringify(record, (_k, v: unknown) => (typeof v === 'bigint' ? Number(v) : v));

  return {
    async loadExchange(name, o) {
      const reply = await link.run(loadExchange, [keys.ownExchange(name), keys.binding(name)], [], o?.signal);
      const [version, own, members] = reply as [string, string[], string[]];
      const table = readTable(name, version, own, members, keys.sep);
      return isNothing(table) ? undefined : table;
    },
    async saveExchange(record, o) {
      const args = [...topologyArgs(context), record.name, record.type, jsonOf(record)];
      const stored = await link.run(saveExchange, shared, args, o?.signal);
      return parseRecord<ExchangeRecord>(stored as string) ?? record;
    },
    async dropExchange(name, o) {
      return (await link.run(dropExchange, shared, [...topologyArgs(context), name], o?.signal)) as string[];
    },
    async loadQueue(name, o) {
      const stored = await link.tracked('loading a queue', 'get', [keys.record(name)], o?.signal);
      return parseRecord<QueueRecord>(stored as string | null);
    },
    async saveQueue(record, o) {
      if (keys.isTaken(record.name)) throw takenName(record.name);
      const args = [...topologyArgs(context), record.name, jsonOf(record), expiresOf(record), keys.steps.join()];
      const saved = link.run(saveQueue, shared, args, o?.signal);
      const [stored] = await Promise.all([
        saved,
        link.tracked('EXISTS', 'exists', [keys.record(record.name)], o?.signal),
      ]);
      return parseRecord<QueueRecord>(stored as string) ?? record;
    },
    async dropQueue(name, o) {
      const touched = await link.run(dropQueue, shared, [...topologyArgs(context), name], o?.signal);
      context.drops.tell(name);
      return touched as string[];
    },
    async bind(binding, o) {
      const args = [
        ...topologyArgs(context),
        binding.exchange,
        binding.destinationType,
        binding.destination,
        predeclaredType(binding.exchange) ?? '',
        bindingMember(binding, keys.sep, false),
        bindingMember(binding, keys.sep, true),
        ownBinding(binding),
      ];
      await link.run(bind, shared, args, o?.signal);
    },
    async unbind(binding, o) {
      const args = [
        ...topologyArgs(context),
        binding.exchange,
        binding.destinationType,
        binding.destination,
        binding.routingKey,
        ownBinding(binding),
      ];
      await link.run(unbind, shared, args, o?.signal);
    },
    ...(tellsOfDrops ? { onQueueDropped: (listener) => context.drops.listen(listener) } : {}),
  };
}

import { type BrokerTarget, InvalidOptionError, type TransportContext } from '@kombu/core';
import type { Unanswered, VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { connect, databaseOf } from './connect.js';
import { createDriver } from './driver.js';
import type { ResolvedOptions } from './driver-context.js';
import { createKeys } from './keys.js';
import { type RedisOptions, redisOptionSpecs } from './options.js';

/** The options with every default filled in, for callers that did not. */
function resolve(options: RedisOptions & VirtualOptions): ResolvedOptions {
  const defaults = Object.entries(redisOptionSpecs).map(([name, spec]) => [name, spec.default]);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(defaults), ...Object.fromEntries(given) };
}

function checkSteps(steps: unknown): readonly number[] {
  const good = Array.isArray(steps) && steps.length > 0 && steps.every((s) => Number.isInteger(s) && s >= 0 && s <= 9);
  if (!good)
    throw new InvalidOptionError("transport option 'prioritySteps' must be a list of whole numbers from 0 to 9");
  return [...new Set(steps as number[])];
}

/** Opens a link and makes its driver. */
export async function open(
  target: BrokerTarget<RedisOptions & VirtualOptions>,
  context: TransportContext,
  unanswered: Unanswered,
): Promise<VirtualDriver> {
  const options = resolve(target.options);
  const keys = createKeys({
    globalKeyprefix: options.globalKeyprefix ?? '',
    hashTag: options.hashTag || undefined,
    sep: options.sep ?? '\x06\x16',
    unackedKey: options.unackedKey ?? 'unacked',
    unackedIndexKey: options.unackedIndexKey ?? 'unacked_index',
    unackedMutexKey: options.unackedMutexKey ?? 'unacked_mutex',
    prioritySteps: checkSteps(options.prioritySteps),
    fanoutPrefix: options.fanoutPrefix ?? true,
    database: databaseOf(target.virtualHost),
  });
  const connected = await connect({ ...target, options }, context);
  try {
    return await createDriver(connected, keys, options, context, target.heartbeatMs, unanswered);
  } catch (error) {
    connected.link.destroy();
    throw error;
  }
}

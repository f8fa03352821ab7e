import type { BrokerTarget, TransportContext } from '@kombu/core';
import type { VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { connect } from './connect.js';
import { createDriver } from './driver.js';
import type { ResolvedOptions } from './driver-context.js';
import { type MongodbOptions, mongodbOptionSpecs } from './options.js';
import type { Unanswered } from './unanswered.js';

/** The options with every default filled in, for callers that did not. */
function resolve(options: MongodbOptions & VirtualOptions): ResolvedOptions {
  const defaults = Object.entries(mongodbOptionSpecs).map(([name, spec]) => [name, spec?.default]);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(defaults), ...Object.fromEntries(given) };
}

/** Opens a link and makes its driver. */
export async function open(
  target: BrokerTarget<MongodbOptions & VirtualOptions>,
  context: TransportContext,
  unanswered: Unanswered,
): Promise<VirtualDriver> {
  const options = resolve(target.options);
  const connected = await connect({ ...target, options } as BrokerTarget<ResolvedOptions>, context);
  const abort = (): void => connected.link.destroy();
  context.signal.addEventListener('abort', abort, { once: true });
  try {
    return await createDriver(connected, options, context, unanswered);
  } catch (error) {
    connected.link.destroy();
    throw error;
  } finally {
    context.signal.removeEventListener('abort', abort);
  }
}

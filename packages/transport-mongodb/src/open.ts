import {
  AuthenticationError,
  type BrokerTarget,
  InvalidOptionError,
  KombuError,
  type TransportContext,
} from '@kombu/core';
import type { Unanswered, VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { connect } from './connect.js';
import { createDriver } from './driver.js';
import type { ResolvedOptions } from './driver-context.js';
import { type MongodbOptions, mongodbOptionSpecs } from './options.js';

/** The options with every default filled in, for callers that did not. */
function resolve(options: MongodbOptions & VirtualOptions): ResolvedOptions {
  const defaults = Object.entries(mongodbOptionSpecs).map(([name, spec]) => [name, spec?.default]);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(defaults), ...Object.fromEntries(given) };
}

const COLLECTIONS = [
  'messagesCollection',
  'routingCollection',
  'broadcastCollection',
  'queuesCollection',
  'declarationsCollection',
  'signalsCollection',
] as const;

/** https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions */
function checkCollections(options: ResolvedOptions): void {
  for (const name of COLLECTIONS) {
    const value = options[name];
    if (value === '' || /[$\0]|^\.|\.$|\.\./.test(value)) {
      throw new InvalidOptionError(
        `mongodb: '${name}' cannot be ${JSON.stringify(value)}: the name of a collection is not empty, has no '$', and no '.' at an end`,
      );
    }
  }
}

/** Opens a link and makes its driver. */
export async function open(
  target: BrokerTarget<MongodbOptions & VirtualOptions>,
  context: TransportContext,
  unanswered: Unanswered,
): Promise<VirtualDriver> {
  const options = resolve(target.options);
  checkCollections(options);
  const connected = await connect({ ...target, options } as BrokerTarget<ResolvedOptions>, context);
  const abort = (): void => connected.link.destroy();
  context.signal.addEventListener('abort', abort, { once: true });
  try {
    return await createDriver(connected, options, context, unanswered);
  } catch (error) {
    connected.link.destroy();
    // Who does not log in is let in by the server, and may do nothing.
    if (target.userid === undefined && KombuError.is(error, 'ERR_KOMBU_ACCESS_REFUSED'))
      throw new AuthenticationError(`the URL has no user and password: ${error.message}`, { cause: error });
    throw error;
  } finally {
    context.signal.removeEventListener('abort', abort);
  }
}

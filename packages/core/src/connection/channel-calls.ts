import { ClosedError, NotSupportedError, StaleDeliveryError } from '../errors/index.js';
import type { DeleteOptions, Channel as TransportChannel } from '../transport/channel.js';
import type { Delivery } from '../transport/delivery.js';
import { CALL_OPTION_NAMES, checkCallOptions } from './call-options.js';
import type { Channel } from './channel.js';
import type { ChannelHost } from './channel-host.js';

/** What calls take besides what all take. */
const FURTHER: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['deleteExchange', new Set([...CALL_OPTION_NAMES, 'ifUnused'])],
  ['deleteQueue', new Set([...CALL_OPTION_NAMES, 'ifUnused', 'ifEmpty'])],
  ['get', new Set([...CALL_OPTION_NAMES, 'noAck'])],
  ['recover', new Set([...CALL_OPTION_NAMES, 'requeue'])],
]);

/** Checks the options of a channel's call by their names, and returns them. @throws InvalidOptionError */
export function checkedCall<O extends object | undefined>(what: string, o: O): O {
  checkCallOptions(what, o, FURTHER.get(what));
  return o;
}

/** What of a call's options is meant for the broker. */
export function deleteOptions(o: DeleteOptions): DeleteOptions {
  return { ifUnused: o.ifUnused === true, ifEmpty: o.ifEmpty === true };
}

/** A member that not every transport has; NotSupportedError where it is missing. */
export function required<K extends 'bindExchange' | 'unbindExchange' | 'recover' | 'setChannelPrefetch'>(
  raw: TransportChannel,
  name: K,
): NonNullable<TransportChannel[K]> {
  const method = raw[name];
  if (method === undefined) throw new NotSupportedError(`this transport has no ${name}`);
  return method.bind(raw) as NonNullable<TransportChannel[K]>;
}

/** Puts a delivery back that came too late; one that the broker has taken back already is left alone. */
export function giveBack(channel: Channel, host: ChannelHost, delivery: Delivery): void {
  try {
    Promise.resolve(channel.settle(delivery, 'release')).catch((error: unknown) => host.emitError(error));
  } catch (error) {
    if (!StaleDeliveryError.is(error) && !ClosedError.is(error)) host.emitError(error);
  }
}

import {
  type ChannelEvents,
  createMemoryTransport,
  type KombuError,
  type MemoryTransport,
  type Transport,
  type TransportChannel,
} from '../../src/index.js';

/** What goes wrong on the channels of {@link faultyMemory}. */
export interface Faults {
  /** The error with which a settlement that was taken fails a moment later. */
  settleLater?: (outcome: string) => KombuError | undefined;
  /** The error with which a settlement is refused. */
  settle?: (outcome: string) => KombuError | undefined;
  /** The error with which cancelling a consumer ends, after it was done. */
  cancel?: () => KombuError | undefined;
  /** What a settlement that is to be confirmed ends with, after it was taken. */
  confirmation?: (outcome: string) => Promise<void> | undefined;
  /** Gets what each channel tells its owner by. */
  opened?: (events: ChannelEvents) => void;
}

/** A memory broker of its own behind channels on which things can go wrong. */
export function faultyMemory(faults: Faults): Transport & Pick<MemoryTransport, 'failLinks'> {
  const inner = createMemoryTransport();
  return {
    ...(inner as Transport),
    failLinks: (error) => inner.failLinks(error),
    async connect(target, context) {
      const link = await (inner as Transport).connect(target, context);
      const wrapped = Object.create(link, { closed: { value: link.closed } });
      wrapped.close = () => link.close();
      wrapped.destroy = () => link.destroy();
      wrapped.openChannel = async (...[events, o]: Parameters<typeof link.openChannel>) => {
        const channel = await link.openChannel(events, o);
        faults.opened?.(events);
        const settle: TransportChannel['settle'] = (delivery, outcome, options) => {
          const refused = faults.settle?.(outcome);
          if (refused !== undefined) throw refused;
          const taken = channel.settle(delivery, outcome, options);
          const late = faults.settleLater?.(outcome);
          if (late !== undefined) setImmediate(() => events.settleFailed(delivery, late));
          return (options?.confirm === true && faults.confirmation?.(outcome)) || taken;
        };
        const cancel: TransportChannel['cancel'] = async (tag) => {
          await channel.cancel(tag);
          const refused = faults.cancel?.();
          if (refused !== undefined) throw refused;
        };
        return new Proxy(channel, {
          get: (_, name) => {
            if (name === 'settle') return settle;
            if (name === 'cancel') return cancel;
            const value = channel[name as keyof TransportChannel];
            return typeof value === 'function' ? value.bind(channel) : value;
          },
        });
      };
      return wrapped;
    },
  };
}

import type { ChannelEvents, Transport, TransportCapabilities, TransportChannel } from '@kombu/core';
import { defineVirtualTransport, type ExchangeKind, type VirtualDriver } from '@kombu/core/virtual';
import type { Group } from '../../src/index.js';
import { memorySpec } from './memory-spec.js';

/** A transport with one thing wrong, and the case that notices. */
export interface Saboteur {
  readonly name: string;
  readonly group: Group;
  /** Part of the name of a case of that group. */
  readonly caughtBy: RegExp;
  /** A fresh transport with a broker of its own. */
  readonly transport: () => Transport;
}

type Catch = Pick<Saboteur, 'name' | 'group' | 'caughtBy'>;

/** What wraps a driver: the members that differ. It is made once for a broker, so that its links can share state. */
export type DriverMutation = () => (driver: VirtualDriver) => Partial<VirtualDriver>;

/** The memory driver with some of its members replaced. */
export function driverSaboteur(
  c: Catch,
  mutation: DriverMutation,
  o: { readonly capabilities?: Partial<TransportCapabilities>; readonly exchangeKinds?: readonly ExchangeKind[] } = {},
): Saboteur {
  const transport = (): Transport => {
    const spec = memorySpec();
    const mutate = mutation();
    return defineVirtualTransport({
      ...spec,
      capabilities: { ...spec.capabilities, ...o.capabilities },
      ...(o.exchangeKinds === undefined ? {} : { exchangeKinds: o.exchangeKinds }),
      async open(target, context) {
        const driver = await spec.open(target, context);
        return { ...driver, ...mutate(driver) };
      },
    });
  };
  return { ...c, transport };
}

/** What wraps a channel: the members that differ. It is made once for a broker. */
export type ChannelMutation = () => (
  channel: TransportChannel,
  events: ChannelEvents,
  connection: object,
) => Partial<TransportChannel>;

/** The memory transport with some members of its channels replaced. */
export function channelSaboteur(
  c: Catch,
  mutation: ChannelMutation,
  capabilities: Partial<TransportCapabilities> = {},
): Saboteur {
  const transport = (): Transport => {
    const inner = defineVirtualTransport(memorySpec());
    const mutate = mutation();
    const declared = { ...inner.capabilities, ...capabilities };
    return {
      ...inner,
      capabilities: declared,
      async connect(target, context) {
        const connection = await inner.connect(target, context);
        return delegate(connection, {
          capabilities: { ...(connection.capabilities ?? inner.capabilities), ...capabilities },
          async openChannel(events: ChannelEvents) {
            const channel = await connection.openChannel(events);
            return delegate(channel, mutate(channel, events, connection));
          },
        });
      },
    };
  };
  return { ...c, transport };
}

/** An object that does what `target` does, except for what `over` says. */
export function delegate<T extends object>(target: T, over: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(over, name)) return over[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

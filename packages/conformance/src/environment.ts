import type { ConnectionOptions } from '@kombu/core';
import type { Probe } from './feature.js';
import type { BrokerHandle, BrokerHooks, ChildHook, Open } from './hooks.js';
import type { ProducerDefaults, TransportUnderTest, Variant } from './options.js';
import { Report } from './report.js';
import { readScale, type Scale } from './scale.js';

/** All that one run of groups shares: a broker, the way to it, and how long to wait. */
export interface Environment {
  readonly transport: string;
  readonly hooks: BrokerHooks;
  readonly child: ChildHook | undefined;
  readonly open: Open;
  readonly producer: ProducerDefaults;
  readonly waitMs: number;
  readonly leaseMs: number;
  readonly scale: Scale;
  /** Whether a queue cannot have such a name here. */
  refusesName(name: string): boolean;
  readonly report: Report;
  /** What was found out about features already, by name. */
  readonly probes: Map<string, Promise<Probe>>;
  /** Connections that were told to close: all have to be gone before the broker is stopped. */
  readonly unfinished: Set<Promise<void>>;
  /** The broker that `start` resolved with; throws before. */
  broker(): BrokerHandle;
}

/** Starts and stops the broker of an {@link Environment}. */
export interface EnvironmentControl {
  readonly environment: Environment;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The same broker for a variant. */
  variant(variant: Variant): Environment;
}

function merge(a: ConnectionOptions, b: ConnectionOptions): ConnectionOptions {
  const merged: ConnectionOptions = { ...a, ...b };
  if (a.transportOptions === undefined || b.transportOptions === undefined) return merged;
  return { ...merged, transportOptions: { ...a.transportOptions, ...b.transportOptions } };
}

/** Makes what the cases of one transport share. */
export function createEnvironment<B extends BrokerHandle>(
  o: Omit<TransportUnderTest<B>, 'runner'>,
  scale: Scale = readScale(),
): EnvironmentControl {
  // A case hands a hook only what `start` or another hook made, so it is always a B.
  const options = o as unknown as Omit<TransportUnderTest, 'runner'>;
  let handle: BrokerHandle | undefined;
  const broker = (): BrokerHandle => {
    if (handle === undefined) throw new Error(`the broker of ${options.name} was not started`);
    return handle;
  };
  const environment: Environment = {
    transport: options.name,
    hooks: options.broker,
    child: options.child,
    open: options.open,
    producer: {},
    waitMs: options.waitMs ?? 10_000,
    leaseMs: options.leaseMs ?? 2_000,
    scale,
    refusesName: (name) => options.refusesName?.(name) ?? false,
    report: new Report(),
    probes: new Map(),
    unfinished: new Set(),
    broker,
  };
  return {
    environment,
    async start() {
      handle = await options.broker.start();
    },
    async stop() {
      await Promise.all(environment.unfinished);
      environment.unfinished.clear();
      if (handle !== undefined) await options.broker.stop(handle);
      handle = undefined;
    },
    variant(variant) {
      const added = variant.connection ?? {};
      const inner = variant.open;
      return {
        ...environment,
        transport: `${options.name} (${variant.name})`,
        producer: variant.producer ?? {},
        probes: new Map(),
        broker: () => variant.broker?.(broker()) ?? broker(),
        open: (b, given) => {
          const all = merge(added, given);
          return inner === undefined ? options.open(b, all) : inner(b, all, options.open);
        },
      };
    },
  };
}

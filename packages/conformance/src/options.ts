import type { Connection, ConnectionOptions } from '@kombu/core';
import type { Group } from './case.js';
import type { BrokerHandle, BrokerHooks, ChildHook, Open } from './hooks.js';
import type { ReportEntry } from './report.js';

/** Registers one test. Jest's `it`, node:test's `it` and vitest's all fit. */
export interface It {
  (name: string, body: () => Promise<void>, timeoutMs?: number): unknown;
  /** Registers a test that is reported as skipped. */
  skip(name: string, body: () => Promise<void>): unknown;
}

/**
 * The functions of the test runner. From jest: `{ describe, it, beforeAll, afterAll, expect }`. From node:test:
 * `{ describe, it, beforeAll: before, afterAll: after }`. The suite asserts with `node:assert`, so `expect` may be left out.
 */
export interface Runner {
  describe(name: string, body: () => void): unknown;
  readonly it: It;
  beforeAll(body: () => Promise<void>, timeoutMs?: number): unknown;
  afterAll(body: () => Promise<void>, timeoutMs?: number): unknown;
  readonly expect?: unknown;
}

/** Another way to run groups: over a failover list, with compression, with a key prefix, over a pool. */
export interface Variant<B extends BrokerHandle = BrokerHandle> {
  readonly name: string;
  /** Which groups run again. Default: {@link coreGroups}. */
  readonly groups?: readonly Group[];
  /** Changes what is connected to. */
  broker?(broker: B): B;
  /** Added to the options of every connection. */
  readonly connection?: ConnectionOptions;
  /** Added to the options of every producer whose case does not choose for itself. */
  readonly producer?: ProducerDefaults;
  /** Wraps `open`, for example to take connections from a pool. */
  open?(broker: B, options: ConnectionOptions, open: Open<B>): Promise<Connection>;
}

/** What a variant may add to every producer. */
export interface ProducerDefaults {
  readonly compression?: string;
  readonly serializer?: string;
}

/**
 * What {@link describeTransport} takes. What the transport can do is not said here: it is read from
 * `connection.capabilities`.
 */
export interface TransportUnderTest<B extends BrokerHandle = BrokerHandle> {
  /** Appears in the names of the tests. */
  readonly name: string;
  readonly runner: Runner;
  /** Makes the Connection that a case works with. `options` have to reach the Connection. */
  readonly open: Open<B>;
  readonly broker: BrokerHooks<B>;
  /** Absent: the cases that need a second process are reported as skipped. */
  readonly child?: ChildHook<B>;
  /** Which groups run. Default: {@link allGroups}. */
  readonly groups?: readonly Group[];
  readonly variants?: readonly Variant<B>[];
  /** The longest that one condition may take to come true, in milliseconds. Default 10000. */
  readonly waitMs?: number;
  /** The shortest lease that the broker keeps well, in milliseconds: the `leaseMs` of crash and lease cases. Default 2000. */
  readonly leaseMs?: number;
  /** Which names a queue cannot have on this broker: these have to be refused, and all others have to work. Default: none. */
  refusesName?(name: string): boolean;
  /** Hears of everything that is neither passed nor failed. Default: one line each on stderr, after the tests. */
  report?(entry: ReportEntry): void;
}

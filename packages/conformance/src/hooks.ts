import type { Connection, ConnectionOptions } from '@kombu/core';

/** A broker that was started for the tests. Add to it whatever your own hooks want to know. */
export interface BrokerHandle {
  /** What `open` hands to `new Connection`. */
  readonly url: string;
  /** Where it listens: wanted by the cases that put a proxy in between. Default host: `127.0.0.1`. */
  readonly host?: string;
  readonly port?: number;
}

/**
 * What can be done to the broker. Only `start` and `stop` have to be there. The cases that need an absent hook are reported as
 * skipped, with the hook's name.
 */
export interface BrokerHooks<B extends BrokerHandle = BrokerHandle> {
  /** Called once, before the first test. */
  start(): Promise<B>;
  /** Called once, after the last test. */
  stop(broker: B): Promise<void>;
  /** Ends the broker and starts it again at the same URL, with what it keeps on disk; resolves when it takes connections. */
  restart?(broker: B): Promise<void>;
  /** Cuts every connection to the broker, without stopping it. */
  killConnections?(broker: B): Promise<void>;
  /** How many clients the broker has right now. */
  connectionCount?(broker: B): Promise<number>;
  /** What the broker says of its queues and clients right now; added to the message of a case that failed. */
  diagnose?(broker: B): Promise<string>;
  /** The handle of a place where no broker listens. */
  refused?(broker: B): B;
  /** The same broker with credentials that it refuses. */
  badCredentials?(broker: B): B;
  /** The same broker, reached by way of `127.0.0.1:port`, where the suite puts a proxy that cuts and stalls. Wants `broker.port`. */
  through?(broker: B, port: number): B;
}

/** How child processes reach the broker. They run plain `node` on built JavaScript. */
export interface ChildHook<B extends BrokerHandle = BrokerHandle> {
  /**
   * The module that exports the transport: a package name, or the file URL of a JavaScript module. Without it the child finds
   * the transport by the URL's scheme, as an application does.
   */
  readonly module?: string | URL;
  /** The file or folder that `module` is resolved from. Default: the working folder. */
  readonly from?: string | URL;
  /** What the child's Connection is made with (plain JSON), where that is not just the broker's URL. */
  connect?(broker: B): { readonly url: string; readonly options?: Readonly<Record<string, unknown>> };
  /** Arguments for `node` itself. */
  readonly execArgv?: readonly string[];
  /** Added to the environment of the child. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes a Connection to a broker with the given options. It need not be connected. */
export type Open<B extends BrokerHandle = BrokerHandle> = (
  broker: B,
  options: ConnectionOptions,
) => Promise<Connection> | Connection;

/** A hook, or the child hook, that a case cannot do without. */
export type Need = 'child' | Exclude<keyof BrokerHooks, 'start' | 'stop' | 'diagnose'>;

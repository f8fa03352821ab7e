import type { Broker, Unavailable } from './types.d.ts';

export interface ZookeeperOptions {
  readonly port?: number;
  /** Milliseconds of a tick (default 500): a session lasts 2 to 20 of them. */
  readonly tickTime?: number;
  /** More lines of zoo.cfg. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** How long the server may take to be ready; default 60000. */
  readonly timeoutMs?: number;
}

/** One ZooKeeper server. Its data outlives `stop` and `kill`. */
export interface Zookeeper extends Broker {
  /** One of its commands of four letters, such as `cons` (connections) or `mntr` (counters). */
  fourLetters(word: string): Promise<string>;
}

/** Several ZooKeeper servers that make one broker; `url` has all of them. */
export interface ZookeeperEnsemble {
  readonly url: string;
  readonly nodes: readonly Zookeeper[];
  /** The server that leads now. */
  leader(): Promise<Zookeeper>;
  close(): Promise<void>;
}

/** Starts a ZooKeeper server, found as `KOMBU_TEST_ZOOKEEPER_URL`, as `zkServer.sh` on the PATH or where Debian has it, or by installing it. Needs Java; share one per test file. */
export function startZookeeper(options?: ZookeeperOptions): Promise<Zookeeper | Unavailable>;

/** Starts an ensemble of three servers, found in the same way but for the URL. */
export function startZookeeperEnsemble(
  options?: Omit<ZookeeperOptions, 'port'>,
): Promise<ZookeeperEnsemble | Unavailable>;

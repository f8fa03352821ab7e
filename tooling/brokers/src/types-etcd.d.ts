import type { Broker, Unavailable } from './types.d.ts';

export interface EtcdOptions {
  /** Port to listen on; default: a free one. */
  readonly port?: number;
  /** Turns authentication on, with a user `root` of this password. */
  readonly password?: string;
  /** Listens with TLS instead of plain TCP. */
  readonly tls?: boolean;
  /** More arguments of the program. */
  readonly flags?: readonly string[];
  /** How long the server may take to be ready; default 30000. */
  readonly timeoutMs?: number;
}

/** One etcd. It has no `killConnections`: put a relay in front of it. */
export interface Etcd extends Broker {
  /** The certificate authority to trust, where TLS was asked for. */
  readonly caFile: string | undefined;
  /** Calls the server's JSON gateway, such as `call('kv/compaction', { revision: 7 })`. */
  call(path: string, body?: object): Promise<Record<string, unknown>>;
}

/** Starts etcd, found as `KOMBU_TEST_ETCD_URL`, on the PATH, by installing it, or in Docker (without auth and TLS). */
export function startEtcd(options?: EtcdOptions): Promise<Etcd | Unavailable>;

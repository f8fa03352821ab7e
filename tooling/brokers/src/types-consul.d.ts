import type { Broker, Unavailable } from './types.d.ts';

export interface ConsulOptions {
  /** Port to listen on; default: a free one. */
  readonly port?: number;
  /** Turns access control on, everything else denied, with a management token of this name (a UUID). */
  readonly token?: string;
  /** Listens with TLS instead of plain TCP. */
  readonly tls?: boolean;
  /** The shortest TTL that the server grants to a session, such as `500ms`; its own default is `10s`. */
  readonly sessionTtlMin?: string;
  /** How long the server may take to be ready; default 60000. */
  readonly timeoutMs?: number;
}

/** Calls Consul's API below `/v1/`, such as `call('PUT', 'session/destroy/ID')`; undefined: 404. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the server says
export type ConsulCall = (method: 'GET' | 'PUT' | 'DELETE', where: string, body?: string) => Promise<any>;

/** One Consul server. It has no `killConnections`: put a relay in front of it. */
export interface Consul extends Broker {
  /** The certificate authority to trust, where TLS was asked for. */
  readonly caFile: string | undefined;
  readonly call: ConsulCall;
}

/**
 * Starts Consul, found as `KOMBU_TEST_CONSUL_URL` (without options), on the PATH, in Debian 11's package (unpacked into the cache folder,
 * not installed), or in Docker (without access control and TLS).
 */
export function startConsul(options?: ConsulOptions): Promise<Consul | Unavailable>;

import type { OptionSpecs } from '@kombu/core';

/** The transport options of Consul, besides those that every virtual transport has. */
export interface ConsulOptions {
  /** What the keys begin with: `kombu/<queue>/...`, as Python Kombu's. Default `kombu`. */
  prefix?: string;
  /** The ACL token. Default: the password of the URL. */
  token?: string;
  /** The datacenter whose store is used. Default: the one of the agent that is asked. */
  datacenter?: string;
  /**
   * The TTL of the session that holds this connection's messages, in milliseconds. Consul ends a session once it was not renewed for
   * twice its TTL, and refuses less than its `session_ttl_min` (10 s). Default: half of `leaseMs`.
   */
  sessionTtlMs?: number;
  /** How long one call may take, in milliseconds, before the link counts as lost. Default 10000. */
  timeoutMs?: number;
}

/** Kinds, defaults and descriptions of {@link ConsulOptions}. */
export const consulOptionSpecs: OptionSpecs<ConsulOptions> = {
  prefix: { kind: 'string', default: 'kombu', doc: "What the keys begin with; Python's is `kombu`." },
  token: { kind: 'string', doc: 'The ACL token; default: the password of the URL.' },
  datacenter: { kind: 'string', doc: 'The datacenter whose store is used; default: that of the agent that is asked.' },
  sessionTtlMs: {
    kind: 'duration',
    min: 1,
    doc: "TTL of the connection's session, which Consul ends after twice that; default: half of `leaseMs`.",
  },
  timeoutMs: {
    kind: 'duration',
    default: 10_000,
    min: 1,
    doc: 'How long one call may take before the link counts as lost.',
  },
};

import type { OptionSpecs } from '@kombu/core';
import { MAX_BUFFER_BYTES } from './driver-context.js';

/** The transport options of ZooKeeper, besides those that every virtual transport has. */
export interface ZookeeperOptions {
  /**
   * The session timeout to ask for, in milliseconds: so long after a process has died its messages come back. The server keeps it
   * between 2 and 20 of its ticks. Default 30000.
   */
  leaseMs?: number;
  /** A path that everything is kept below, before the virtual host. It is made if it is missing. Default: none. */
  chroot?: string;
  /**
   * Who may use the znodes that are made: everybody (`open`), or only those who log in with the same user and password (`creator`).
   * Default: `creator` where the URL has a user, else `open`. Python Kombu does not log in.
   */
  acl?: 'open' | 'creator';
  /** The server's `jute.maxbuffer` in bytes: the largest request that it takes. Default 1048575, the server's own default. */
  maxBufferBytes?: number;
}

/** Kinds, defaults and descriptions of {@link ZookeeperOptions}. */
export const zookeeperOptionSpecs: OptionSpecs<ZookeeperOptions> = {
  leaseMs: {
    kind: 'duration',
    default: 30_000,
    min: 100,
    doc: "The session timeout: how long a dead consumer's messages stay hidden. The server keeps it between 2 and 20 ticks.",
  },
  chroot: { kind: 'string', doc: 'A path that everything is kept below, before the virtual host.' },
  acl: {
    kind: 'string',
    oneOf: ['open', 'creator'],
    doc: 'Who may use our znodes: everybody, or those with the same user and password; default `creator` where there is a user.',
  },
  maxBufferBytes: {
    kind: 'integer',
    default: MAX_BUFFER_BYTES,
    min: 65_536,
    doc: "The server's `jute.maxbuffer`: the largest request that it takes.",
  },
};

import type { OptionSpecs } from '@kombu/core';
import type { MappedAddress } from './nat-map.js';

/** How queues are ordered within one reserve: see {@link RedisOptions.queueOrderStrategy}. */
export type QueueOrder = (queues: readonly string[]) => readonly string[];

/** How to log in to the sentinels themselves; user and password of the URL are those of the master. */
export interface SentinelOptions {
  readonly username?: string;
  readonly password?: string;
  /** `true`, or options of `tls.connect`. Default: no TLS. */
  readonly tls?: boolean | object;
}

/** The transport options of Redis, besides those that every virtual transport has. Names less `Ms` are Kombu's, in camelCase. */
export interface RedisOptions {
  /** After how many milliseconds an entry that a Python consumer holds is put back. Default 3600000. Entries of ours follow `leaseMs`. */
  visibilityTimeoutMs?: number;
  /** What stands before fanout channels: `true` (default) is `/{db}.`, `false` nothing, a text is used as it is, with `{db}` filled in. */
  fanoutPrefix?: boolean | string;
  /** Whether the routing key is part of a fanout channel, so that consumers can ask for some keys only. Default true. */
  fanoutPatterns?: boolean;
  /** Stands before every key and channel, nothing in between. Default none. */
  globalKeyprefix?: string;
  /** Makes `{tag}` the first part of every key and channel, so that all of them are in one slot of a cluster. Python: `global_keyprefix='{tag}'`. */
  hashTag?: string;
  /** The lists a queue has, by priority. Default 0, 3, 6, 9. All that share a queue, Python included, need the same. */
  prioritySteps?: readonly number[];
  /** Which priority is served first: 9 (`highest-first`, default), or 0, as Python Kombu consumers do. */
  priorityOrder?: 'highest-first' | 'lowest-first';
  /** Between a queue's name and its step, and within bindings. Default the two bytes 0x06 0x16. */
  sep?: string;
  /**
   * Which of several queues with messages of the same priority is asked first: the one that waited longest (`round_robin`, default),
   * by name (`sorted`), as consumed (`priority`), or as a function orders them.
   */
  queueOrderStrategy?: 'round_robin' | 'sorted' | 'priority' | QueueOrder;
  /** `false`: reserved messages live in this process's memory only, and are lost when it dies. Default true. */
  ackEmulation?: boolean;
  /** Name of the hash of reserved messages. Default `unacked`. */
  unackedKey?: string;
  /** Name of the index of reserved messages. Default `unacked_index`. */
  unackedIndexKey?: string;
  /** Name of the lock that Python's restore takes. Default `unacked_mutex`. */
  unackedMutexKey?: string;
  /** After how many milliseconds that lock opens by itself when its holder died. Default 30000. */
  unackedMutexExpireMs?: number;
  /** How many entries of Python consumers one sweep puts back at most. Default 100. */
  unackedRestoreLimit?: number;
  /** A reply that takes longer than so many milliseconds ends the link. Default: the heartbeat decides. */
  socketTimeoutMs?: number;
  /** How long opening a socket may take, in milliseconds. Default: the connection's `connectTimeoutMs`. */
  socketConnectTimeoutMs?: number;
  /** TCP keep-alive. Default true. */
  socketKeepalive?: boolean;
  /** How many sockets a connection may have; less than it needs (2, or 3 with `confirmReplicas`) is an error. Default: as many as it needs. */
  maxConnections?: number;
  /** The name that CLIENT LIST shows. Default none. */
  clientName?: string;
  /** `sentinel://`: the name of the master. */
  masterName?: string;
  /** `sentinel://`: how to log in to the sentinels. */
  sentinelOptions?: SentinelOptions;
  /** Where servers really are that sentinels or the cluster name by another address, by `host:port`; as ioredis's `natMap`. Default none. */
  natMap?: Readonly<Record<string, MappedAddress>>;
  /** A publish resolves once so many replicas have it (WAIT, one for each batch). Default 0. */
  confirmReplicas?: number;
  /** How long to wait for the replicas, in milliseconds; then the publish rejects with BROKER_BUSY. Default 5000. */
  confirmReplicasTimeoutMs?: number;
}

/** Kinds, defaults and descriptions of {@link RedisOptions}. */
export const redisOptionSpecs: OptionSpecs<RedisOptions> = {
  visibilityTimeoutMs: {
    kind: 'duration',
    default: 3_600_000,
    min: 1000,
    doc: 'After how long an entry that a Python consumer holds is put back; ours follow `leaseMs`.',
  },
  fanoutPrefix: {
    kind: ['boolean', 'string'],
    default: true,
    doc: 'Stands before fanout channels: `true` is `/{db}.`, `false` nothing, a text is used as it is.',
  },
  fanoutPatterns: { kind: 'boolean', default: true, doc: 'Whether the routing key is part of a fanout channel.' },
  globalKeyprefix: { kind: 'string', default: '', doc: 'Stands before every key and channel.' },
  hashTag: { kind: 'string', doc: 'Makes `{tag}` the first part of every key: needed on a cluster.' },
  prioritySteps: { kind: 'any', default: [0, 3, 6, 9], doc: 'The lists a queue has, by priority.' },
  priorityOrder: {
    kind: 'string',
    default: 'highest-first',
    oneOf: ['highest-first', 'lowest-first'],
    doc: 'Which priority is served first; `lowest-first` is what Python consumers do.',
  },
  sep: { kind: 'string', default: '\x06\x16', doc: "Between a queue's name and its step, and within bindings." },
  queueOrderStrategy: {
    kind: ['string', 'function'],
    default: 'round_robin',
    doc: 'Which of several queues is asked first: `round_robin`, `sorted`, `priority` (as consumed) or a function.',
  },
  ackEmulation: {
    kind: 'boolean',
    default: true,
    doc: "`false`: reserved messages live in this process's memory only and are lost when it dies.",
  },
  unackedKey: { kind: 'string', default: 'unacked', doc: 'The hash of reserved messages.' },
  unackedIndexKey: { kind: 'string', default: 'unacked_index', doc: 'The index of reserved messages.' },
  unackedMutexKey: { kind: 'string', default: 'unacked_mutex', doc: "The lock that Python's restore takes." },
  unackedMutexExpireMs: {
    kind: 'duration',
    default: 30_000,
    min: 100,
    kombuName: 'unacked_mutex_expire',
    doc: 'After how long that lock opens by itself.',
  },
  unackedRestoreLimit: {
    kind: 'integer',
    default: 100,
    min: 1,
    max: 1000,
    doc: 'How many entries of Python consumers one sweep puts back at most.',
  },
  socketTimeoutMs: { kind: 'duration', min: 1, doc: 'A reply that takes longer ends the link.' },
  socketConnectTimeoutMs: { kind: 'duration', min: 1, doc: 'How long opening a socket may take.' },
  socketKeepalive: { kind: 'boolean', default: true, doc: 'TCP keep-alive.' },
  maxConnections: {
    kind: 'integer',
    min: 1,
    doc: 'How many sockets a connection may have; it needs 2, or 3 with `confirmReplicas`.',
  },
  clientName: { kind: 'string', doc: 'The name that CLIENT LIST shows.' },
  masterName: { kind: 'string', doc: 'The name of the master that the sentinels watch.' },
  sentinelOptions: {
    kind: 'object',
    kombuName: 'sentinel_kwargs',
    doc: 'How to log in to the sentinels: `username`, `password`, `tls`.',
  },
  natMap: {
    kind: 'object',
    doc: 'Where servers really are that sentinels or the cluster name otherwise: `{ "10.0.0.1:6379": { host, port } }`.',
  },
  confirmReplicas: { kind: 'integer', default: 0, min: 0, doc: 'A publish resolves once so many replicas have it.' },
  confirmReplicasTimeoutMs: {
    kind: 'duration',
    default: 5000,
    min: 1,
    doc: 'How long to wait for the replicas; then the publish rejects with BROKER_BUSY.',
  },
};

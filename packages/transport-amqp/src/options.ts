import type { TcpSocketConnectOpts } from 'node:net';
import type { OptionSpecs } from '@kombu/core';

/** Options of the TCP socket: Node's own, and these two. */
export type SocketSettings = Pick<
  TcpSocketConnectOpts,
  'family' | 'localAddress' | 'localPort' | 'lookup' | 'hints'
> & {
  /** Sends small packets at once (default true). */
  readonly noDelay?: boolean;
  /** Lets the operating system probe an idle connection (default true). */
  readonly keepAlive?: boolean;
  /** How long the connection is idle before the first probe; default: the system's. */
  readonly keepAliveInitialDelayMs?: number;
};

/** What the AMQP transport takes as `transportOptions`. */
export interface AmqpOptions {
  /** Whether publish waits for the broker's confirm (default true). With false it ends when the message was handed to the network. */
  readonly confirmPublish?: boolean;
  /** Publishes of one channel that may be in flight at once (default 10000); above it publish is BUFFER_FULL. */
  readonly maxInFlight?: number;
  /** Bytes of message bodies of one channel that may be in flight at once (default 64 MiB); above it publish is BUFFER_FULL. One message always may. */
  readonly maxInFlightBytes?: number;
  /** Added to what is told to the broker about this client. */
  readonly clientProperties?: Readonly<Record<string, unknown>>;
  /** The name of the connection in the broker's management views; default: host, process id and a connection id. */
  readonly connectionName?: string;
  /** AMQP channels at most (default: the broker's limit). */
  readonly channelMax?: number;
  /** Bytes of a frame at most (default 131072, and at most the broker's limit). */
  readonly frameMax?: number;
  /** The language of the broker's messages (default en_US). */
  readonly locale?: string;
  /** How long the broker may be silent while it owes an answer before the connection counts as lost, in milliseconds; 0 (default): heartbeats decide alone. */
  readonly readTimeoutMs?: number;
  /** How long the network may refuse to take what was written before the connection counts as lost, in milliseconds; 0 (default): heartbeats decide alone. */
  readonly writeTimeoutMs?: number;
  /** Options of the TCP socket. */
  readonly socketSettings?: SocketSettings;
}

/** The options with their defaults filled in, as a connection uses them. */
export interface ResolvedAmqpOptions {
  readonly confirmPublish: boolean;
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  readonly clientProperties: Readonly<Record<string, unknown>>;
  readonly connectionName: string | undefined;
  readonly channelMax: number;
  readonly frameMax: number;
  readonly locale: string;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly socketSettings: SocketSettings;
}

/** Every option of the transport, as Connection checks it and as the README's table shows it. */
export const optionSpecs: OptionSpecs<AmqpOptions> = {
  confirmPublish: {
    kind: 'boolean',
    default: true,
    doc: "Whether publish waits for the broker's confirm; with false it ends when the message was handed to the network.",
  },
  maxInFlight: {
    kind: 'integer',
    default: 10_000,
    min: 1,
    doc: 'Publishes of one channel that may be in flight at once; above it publish rejects with BUFFER_FULL.',
  },
  maxInFlightBytes: {
    kind: 'integer',
    default: 64 * 1024 * 1024,
    min: 1,
    doc: 'Bytes of bodies of one channel that may be in flight at once (one message always may); above it publish rejects with BUFFER_FULL.',
  },
  clientProperties: { kind: 'object', doc: 'Added to what the broker is told about this client.' },
  connectionName: {
    kind: 'string',
    doc: "The connection's name in the broker's management views; default: host name, process id and connection id.",
  },
  channelMax: { kind: 'integer', default: 0, min: 0, max: 65535, doc: "AMQP channels at most; 0: the broker's limit." },
  frameMax: {
    kind: 'integer',
    default: 131_072,
    min: 0,
    doc: "Bytes of a frame at most; 0: the broker's limit, which holds in any case.",
  },
  locale: { kind: 'string', default: 'en_US', doc: "The language of the broker's messages." },
  readTimeoutMs: {
    kind: 'duration',
    default: 0,
    min: 0,
    doc: 'How long the broker may be silent while it owes an answer before the connection counts as lost; 0: heartbeats alone decide.',
  },
  writeTimeoutMs: {
    kind: 'duration',
    default: 0,
    min: 0,
    doc: 'How long the network may take nothing of what was written before the connection counts as lost; 0: heartbeats alone decide.',
  },
  socketSettings: {
    kind: 'object',
    doc: 'Options of the TCP socket: noDelay, keepAlive, family, localAddress and the like.',
  },
};

/** Fills in the defaults, for targets that were made without them. */
export function resolveOptions(options: AmqpOptions): ResolvedAmqpOptions {
  return {
    confirmPublish: options.confirmPublish ?? true,
    maxInFlight: options.maxInFlight ?? 10_000,
    maxInFlightBytes: options.maxInFlightBytes ?? 64 * 1024 * 1024,
    clientProperties: options.clientProperties ?? {},
    connectionName: options.connectionName,
    channelMax: options.channelMax ?? 0,
    frameMax: options.frameMax ?? 131_072,
    locale: options.locale ?? 'en_US',
    readTimeoutMs: options.readTimeoutMs ?? 0,
    writeTimeoutMs: options.writeTimeoutMs ?? 0,
    socketSettings: options.socketSettings ?? {},
  };
}

import type { Unavailable } from '@kombu/brokers';

/**
 * Which Python Kombu: `'5.2'` is Debian's python3-kombu where that is 5.2, else 5.2.4 from PyPI; `'latest'` is the newest on
 * PyPI when it was first asked for on this machine.
 */
export type PythonVersion = '5.2' | 'latest';

/**
 * A Python process with Python Kombu in it that does what it is told, one call after another. Names and values of options are
 * Python Kombu's own (snake_case, seconds).
 *
 * Values cross as JSON, with these in place of what JSON lacks: Uint8Array is `bytes` (a Buffer when it comes back), bigint is
 * an `int` (integers beyond 2^53 come back as bigint), Date is an aware `datetime`; `{ $decimal: '1.5' }`, `{ $uuid: '...' }`,
 * `{ $float: 'nan' }`, `{ $tuple: [...] }`, `{ $set: [...] }` and `{ $dict: [[key, value], ...] }` (keys that are no strings) go
 * both ways as they stand; anything else Python has comes back as `{ $repr: '...' }`.
 */
export interface PythonPeer {
  /** Version of Kombu. */
  readonly version: string;
  readonly pythonVersion: string;
  readonly pid: number;
  /** Connects; a connection that was open is closed first. `options` are those of `kombu.Connection`, such as `{ transport_options: {...} }`. */
  open(url: string, options?: Json): Promise<void>;
  /** Declares an exchange, or a queue with its exchange and bindings. Options are those of `kombu.Exchange` and `kombu.Queue`; `queue.exchange` is a name or exchange options. */
  declare(what: { exchange?: Json; queue?: Json }): Promise<Declared>;
  /** `Producer.publish`: `exchange` (name or options), `routing_key`, `serializer`, `compression`, `headers`, `priority`, `expiration`, `declare: [queue options]`, ... */
  publish(body: unknown, options?: Json): Promise<void>;
  /** The same for many bodies, one call. */
  publishMany(bodies: readonly unknown[], options?: Json): Promise<void>;
  /** `Queue.get`: a message, or undefined where the queue is empty. */
  get(
    queue: string | Json,
    options?: { settle?: Settle; accept?: readonly string[]; no_ack?: boolean },
  ): Promise<PythonMessage | undefined>;
  /** Consumes until `n` messages have come or `timeout` seconds are over, and resolves with those that came. More than `n` are given back. */
  consume(queues: string | Json | readonly (string | Json)[], options: ConsumeOptions): Promise<PythonMessage[]>;
  /** Settles a message that was taken with `settle: 'none'`. */
  settle(deliveryTag: string | number, outcome: Exclude<Settle, 'none'>): Promise<void>;
  /** Takes away all messages; resolves with how many there were. */
  purge(queue: string): Promise<number>;
  deleteQueue(queue: string, options?: { if_unused?: boolean; if_empty?: boolean }): Promise<void>;
  deleteExchange(exchange: string): Promise<void>;
  /** Number of messages that are ready. */
  size(queue: string): Promise<number>;
  /** `kombu.serialization.dumps`. */
  dumps(
    value: unknown,
    serializer: string,
  ): Promise<{ content_type: string; content_encoding: string; data: Uint8Array | string }>;
  /** `kombu.serialization.loads`; every content type is accepted. */
  loads(data: Uint8Array | string, contentType: string, contentEncoding: string): Promise<unknown>;
  /** `kombu.compression.compress`. */
  compress(data: Uint8Array, method: string): Promise<{ data: Uint8Array; content_type: string }>;
  decompress(data: Uint8Array, contentType: string): Promise<Uint8Array>;
  /** `pidbox.Mailbox`: asks the nodes and resolves with their replies within `timeout` seconds. A fresh mailbox, so a fresh reply queue, each time. */
  inspect(namespace: string, method: string, options?: InspectOptions): Promise<unknown[]>;
  /** Answers pidbox calls as node `hostname` with `{ ok: [method, arguments] }`, until `n` came or `timeout` seconds are over; resolves with how many came. */
  serveMailbox(
    namespace: string,
    options: { hostname: string; type?: string; n: number; timeout: number },
  ): Promise<number>;
  /** Any operation of peer.py by its name. */
  call(op: string, options?: Json, o?: { timeoutMs?: number }): Promise<unknown>;
  /** What the process wrote to its standard error. */
  log(): string;
  /** Closes the connection in good order (what it holds goes back), and ends the process. */
  close(): Promise<void>;
  /** SIGKILL, whatever it holds. */
  crash(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type Json = { readonly [name: string]: unknown };
export type Settle = 'ack' | 'reject' | 'requeue' | 'none';

export interface Declared {
  readonly queue?: string;
  readonly message_count?: number;
}

export interface ConsumeOptions {
  readonly n: number;
  /** Seconds; default 10. */
  readonly timeout?: number;
  /** Default `'ack'`. */
  readonly settle?: Settle;
  /** Default: `n`, so that nothing more is taken than is asked for. */
  readonly prefetch_count?: number;
  readonly accept?: readonly string[];
  readonly no_ack?: boolean;
  /** Seconds that each message is worked on before it is settled. */
  readonly delay?: number;
}

export interface InspectOptions {
  readonly arguments?: Json;
  readonly destination?: readonly string[];
  /** Seconds; default 1. */
  readonly timeout?: number;
  readonly limit?: number;
  /** Exchange type of the mailbox; default `'direct'`. */
  readonly type?: string;
}

/** A message as Python Kombu sees it. */
export interface PythonMessage {
  /** The decoded payload; absent where Python could not decode it. */
  readonly payload?: unknown;
  /** Why it could not, such as `ContentDisallowed: ...`. */
  readonly error?: string;
  /** As it came, before decompression. */
  readonly body: unknown;
  readonly content_type: string | null;
  readonly content_encoding: string | null;
  readonly headers: Json;
  readonly properties: Json;
  readonly delivery_info: Json;
  readonly delivery_tag: string | number;
}

/** Starts a peer, or says why there is none on this machine. */
export function startPython(options?: {
  readonly version?: PythonVersion;
  /** `'sqs'`: with what Kombu's SQS transport needs, always from PyPI. */
  readonly transport?: 'sqs' | undefined;
  /** A module that it needs besides, and the Debian package that brings it to the system's Python. */
  readonly module?: { readonly name: string; readonly debian: string } | undefined;
}): Promise<PythonPeer | Unavailable>;

/** The Python interpreter that has that Kombu, made available where that is possible. */
export function findPython(
  version?: PythonVersion,
  transport?: 'sqs',
): Promise<{ readonly python: string } | Unavailable>;

/** What Python Kombu had published when the golden files were made: the name of the case, the body, and what our `publish` is told. */
export const goldenPublished: readonly (readonly [name: string, body: unknown, options: object])[];

/** What a message of a golden file decodes to, by the name of its case. */
export const goldenPayloads: Readonly<Record<string, unknown>>;

/**
 * An envelope that was stored, for comparing: without what differs from message to message, and a JSON body decoded where it is not
 * compressed, as the order of its keys does not matter.
 */
export function goldenEnvelope(text: string): Json;

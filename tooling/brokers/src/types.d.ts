export * from './types-consul.d.ts';
export * from './types-consumers.d.ts';
export * from './types-etcd.d.ts';
export * from './types-mongodb.d.ts';
export * from './types-zookeeper.d.ts';

/** What a `start...` function resolves with where the broker cannot be had on this machine. */
export interface Unavailable {
  /** Why, in one line: the reason that a skipped suite reports. */
  readonly unavailable: string;
}

/** Where the server program came from. One from `'env'` is somebody else's: it is used, never stopped or restarted. */
export type Origin = 'env' | 'path' | 'installed' | 'docker';

/** A running broker. */
export interface Broker {
  readonly name: string;
  /** For `new Connection(url)`, user and password included. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** As the server itself says it. */
  readonly version: string;
  readonly origin: Origin;
  /** The server's process; undefined for `env` and `docker`. */
  readonly pid: number | undefined;
  /** Ends the server in good order (SIGTERM); `start` brings it back. Absent: not ours to stop. */
  readonly stop?: () => Promise<void>;
  /** Starts it again on the same port and data, and waits until it is ready. */
  readonly start?: () => Promise<void>;
  /** `stop` and `start`. */
  readonly restart?: () => Promise<void>;
  /** SIGKILL, and waits until the process is gone. */
  readonly kill?: () => Promise<void>;
  /** SIGSTOP: the server keeps its sockets and answers nothing. */
  readonly freeze?: () => void;
  /** SIGCONT, after `freeze`. */
  readonly thaw?: () => void;
  /** Makes the server drop the connection of every client. */
  readonly killConnections?: () => Promise<void>;
  /** The end of what the server wrote, for error messages. */
  log(): string;
  /** Ends the server and removes its data. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One redis-server. */
export interface Redis extends Broker {
  /** Path of the Unix socket, where one was asked for. */
  readonly socket: string | undefined;
  /** `redis+socket://...`, where one was asked for. */
  readonly socketUrl: string | undefined;
  /** The certificate authority to trust, where TLS was asked for. */
  readonly caFile: string | undefined;
  /** Sends one command on a connection of its own; integers and strings come back as they are, errors are thrown. */
  command(...args: readonly (string | number)[]): Promise<RedisReply>;
}

export type RedisReply = string | number | null | readonly RedisReply[];

/** Several redis-servers that make one broker. */
export interface RedisCluster extends Broker {
  readonly nodes: readonly Redis[];
}

export interface RedisSentinel extends Broker {
  /** The name that the sentinels know the master by. */
  readonly masterName: string;
  /** All data nodes, the first master first. */
  readonly nodes: readonly Redis[];
  readonly sentinels: readonly Redis[];
  /** The node that is master now, as the sentinels see it. */
  master(): Promise<Redis>;
  /** Asks for a failover and waits until another node is the master of all sentinels. */
  failover(): Promise<void>;
}

export interface RedisOptions {
  /** Port to listen on; default: a free one. */
  readonly port?: number;
  /** Keeps data over restarts. `true` is `'always'`: every write is on disk before it is answered. Default: nothing is kept. */
  readonly appendonly?: boolean | 'always' | 'everysec';
  /** Listens on a Unix socket too. */
  readonly unixSocket?: boolean;
  /** Listens with TLS instead of plain TCP. */
  readonly tls?: boolean;
  readonly password?: string;
  /** More directives, such as `{ maxmemory: '10mb' }`. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** Number of replicas; they are `nodes` of a sentinel set-up only. */
  readonly replicas?: number;
  /** Number of masters of a cluster that owns all slots. */
  readonly cluster?: number;
  /** Number of sentinels that watch the master and its replicas (default one replica). */
  readonly sentinel?: number | boolean;
  /** How long the server may take to be ready; default 30000. */
  readonly timeoutMs?: number;
}

/**
 * Starts redis-server, found as `KOMBU_TEST_REDIS_URL` (single server only), on the PATH, by installing it, or in Docker
 * (single server only).
 */
export function startRedis(options: RedisOptions & { readonly cluster: number }): Promise<RedisCluster | Unavailable>;
export function startRedis(
  options: RedisOptions & { readonly sentinel: number | true },
): Promise<RedisSentinel | Unavailable>;
export function startRedis(options?: RedisOptions): Promise<Redis | Unavailable>;

export interface RabbitmqOptions {
  readonly port?: number;
  /** More lines of rabbitmq.conf. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** Listens with TLS too, on `tlsPort`. */
  readonly tls?: boolean;
  /** How long the server may take to be ready; default 120000. */
  readonly timeoutMs?: number;
}

export interface Rabbitmq extends Broker {
  /** `amqps://...`, where TLS was asked for. */
  readonly tlsUrl: string | undefined;
  readonly caFile: string | undefined;
  /** Runs rabbitmqctl on this node (2-3 s) and resolves with its output. Absent: not ours. */
  readonly ctl?: (...args: readonly string[]) => Promise<string>;
}

/** Starts a RabbitMQ node with its own epmd, found as `KOMBU_TEST_AMQP_URL`, on the PATH, by installing it, or in Docker. It takes about ten seconds: share one per test file. */
export function startRabbitmq(options?: RabbitmqOptions): Promise<Rabbitmq | Unavailable>;

/** A server that speaks SQS, SNS and a little STS. It keeps everything in memory: a restart begins with nothing. */
export interface Sqs extends Broker {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** How often each API action was called since the last reset, refused calls included. */
  calls(): Promise<Readonly<Record<string, number>>>;
  resetCalls(): Promise<unknown>;
  /** What is to go wrong from now on, in place of what was asked for before. */
  faults(list: readonly SqsFault[]): Promise<unknown>;
}

/** The next `times` calls of an action fail, or with `entries` those entries of their batches. */
export interface SqsFault {
  readonly action: string;
  times: number;
  readonly code: string;
  readonly message: string;
  /** HTTP status; default 400. */
  readonly status?: number;
  /** Indexes within a batch. */
  readonly entries?: readonly number[];
  readonly senderFault?: boolean;
}

export interface SqsOptions {
  /** Port to listen on; default: a free one. */
  readonly port?: number;
  /** Access keys that are let in besides that of `url`. */
  readonly accessKeys?: readonly string[];
  /** How long the server may take to be ready; default 30000. */
  readonly timeoutMs?: number;
}

/** Starts a server that speaks SQS (fauxqs, from npm). */
export function startSqs(options?: SqsOptions): Promise<Sqs>;

/** A TCP relay that misbehaves on demand. */
export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  /** Number of clients connected through it now. */
  readonly connections: number;
  /** Bytes relayed so far in either direction. */
  readonly bytes: number;
  /** The URL with this proxy's host and port in place of the broker's. */
  through(url: string): string;
  /** Resets every connection, and refuses new ones until `resume`. */
  cut(): void;
  /** Resets every connection once; new ones pass. */
  drop(): void;
  /** Half-open: everything sent from now on, either way, vanishes; nothing is closed. New connections are taken, and silent. */
  freeze(): void;
  /** Delays every chunk by so much, either way, in order. */
  slow(delayMs: number): void;
  /** Back to normal. What was sent to a frozen link is lost for good, so frozen links are reset; new ones pass. */
  resume(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Relays a free port of 127.0.0.1 to `targetPort` there, or to another host's. */
export function startProxy(targetPort: number, options?: { readonly targetHost?: string }): Promise<FaultProxy>;

/** Runs `condition` until it gives something truthy and resolves with that; rejects at the deadline, naming `what` and the last error. */
export function until<T>(
  condition: () => T | Promise<T>,
  options: { readonly what: string; readonly timeoutMs?: number; readonly everyMs?: number },
): Promise<Exclude<T, false | 0 | '' | null | undefined>>;

/**
 * A port of 127.0.0.1 that nobody listens on, outside of the range that outgoing connections use. No other caller on this machine
 * is given it while this process lives.
 */
export function freePort(): Promise<number>;

/** An empty temporary folder in `parent` (default: the system's) that goes away with this process, whichever way it ends. */
export function temporaryFolder(name?: string, parent?: string): Promise<TemporaryFolder>;

export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** The first of `programs` found on the PATH or in `folders`, else undefined. */
export function which(programs: readonly string[], folders?: readonly string[]): string | undefined;

/** Installs Debian packages where that is allowed (root, apt-get, `KOMBU_TEST_NO_INSTALL` unset). Resolves with the reason where it failed. */
export function aptInstall(packages: readonly string[]): Promise<string | undefined>;

/** A certificate authority and a server certificate of it for localhost and 127.0.0.1, made by openssl. */
export function makeCertificates(folder: string): Promise<Certificates | Unavailable>;

export interface Certificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A server process whose output goes to a file, and that ends with this process. */
export interface ServerProcess {
  readonly pid: number;
  readonly running: boolean;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL to the whole process group after `graceMs` (10000). */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL to the whole process group. */
  kill(): Promise<void>;
  log(): string;
}

/** Starts a server and waits until `ready` gives something truthy; ends it and rejects with the end of its log when that does not come. */
export function spawnServer(o: {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly ready: () => unknown;
  readonly timeoutMs: number;
}): Promise<ServerProcess>;

/** Whether a `start...` function found no broker. */
export function isUnavailable(x: object): x is Unavailable;

/** Has the process group of `pid` ended with SIGKILL when this process goes away, whichever way. Call the result once it is gone. */
export function endWithUs(pid: number): () => void;

/** A folder outside of the repository for what is fetched once and used again; `KOMBU_CACHE` names another. */
export function cacheFolder(): string;

/** Runs a program to its end. Never rejects: one that cannot be started has code -1. */
export function run(
  command: string,
  args: readonly string[],
  options?: {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly input?: string;
    readonly timeoutMs?: number;
  },
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;

/** The last line of a text that says something. */
export function lastLine(text: string): string;

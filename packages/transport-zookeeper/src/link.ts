import { ClosedError, deferred, type KombuError, type Logger, OperationalError, waitOrAbort } from '@kombu/core';
import { ACLS, type Client, CODES, libraryError, MODES, managerOf, type Stat, sync } from './client.js';
import { codeOf, translateError } from './translate-error.js';

/** One step of a transaction. */
export type Step =
  | { readonly kind: 'create'; readonly path: string; readonly data?: Buffer; readonly sequential?: boolean }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'set'; readonly path: string; readonly version: number; readonly data?: Buffer }
  | { readonly kind: 'check'; readonly path: string; readonly version: number };

/** What came of a transaction: all of it was done, or nothing because of one step. */
export type Outcome =
  /** `paths`: by step, the path of what was created. */
  | { readonly done: true; readonly paths: readonly (string | undefined)[] }
  | { readonly done: false; readonly at: number; readonly code: number };

/** The names of a znode's children, and its counters. */
export interface Listing {
  readonly names: string[];
  readonly stat: Stat;
}

/** Called when a watched znode has changed. */
export type Watcher = (event: { readonly type: number }) => void;

type Callback<T> = (error: unknown, value: T) => void;

/**
 * One connection to ZooKeeper, with promises: what is asked in one turn of the event loop goes out in one piece, every error is
 * translated, and what a znode is missing or there already for is an answer. When the connection is lost, the link is: the client
 * library does not connect again by itself.
 */
export class ZookeeperLink {
  readonly closed: Promise<KombuError | undefined>;
  readonly client: Client;
  /** When something came from the server last, by the monotonic clock. */
  heardAt: number;
  readonly #acl: (typeof ACLS)['open'];
  readonly #logger: Logger;
  readonly #end = deferred<KombuError | undefined>();
  #state: 'open' | 'closing' | 'closed' = 'open';
  #ended: KombuError | undefined;
  #corked = false;

  constructor(client: Client, acl: keyof typeof ACLS, logger: Logger, now: number) {
    this.client = client;
    this.closed = this.#end.promise;
    this.heardAt = now;
    this.#acl = ACLS[acl];
    this.#logger = logger;
    // There is no switch for it: whatever happens to this socket, there is no other one.
    managerOf(client).connect = () => {};
    const lost = (why: string) => () => this.fail(new OperationalError('CONNECTION_LOST', why));
    client.once('disconnected', lost('ZooKeeper closed the connection'));
    client.once('expired', lost('the session at ZooKeeper has expired'));
    client.once('authenticationFailed', lost('ZooKeeper does not accept the credentials any more'));
  }

  /** Throws when the link is gone. */
  check(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  /** The children of a znode; undefined: it is not there. The watcher is called once, at the next change of them. */
  list(path: string, watcher?: Watcher, signal?: AbortSignal): Promise<Listing | undefined> {
    const { client } = this;
    return this.#send(`listing ${path}`, signal, (done: Callback<Listing | undefined>) => {
      const answer = (error: unknown, names: string[], stat: Stat): void =>
        codeOf(error) === CODES.noNode ? done(undefined, undefined) : done(error, { names, stat });
      if (watcher === undefined) client.getChildren(path, answer);
      else client.getChildren(path, watcher, answer);
    });
  }

  /** What is in a znode; undefined: it is not there. */
  get(path: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    return this.#send(`reading ${path}`, signal, (done: Callback<Buffer | undefined>) => {
      this.client.getData(path, (error, data) =>
        codeOf(error) === CODES.noNode ? done(undefined, undefined) : done(error, data ?? Buffer.alloc(0)),
      );
    });
  }

  /** The counters of a znode; undefined: it is not there. */
  stat(path: string, signal?: AbortSignal): Promise<Stat | undefined> {
    return this.#send(`looking at ${path}`, signal, (done: Callback<Stat | undefined>) => {
      this.client.exists(path, (error, stat) => done(error, stat ?? undefined));
    });
  }

  /** Makes an empty znode; `false`: it is there already, undefined: the one above it is not there. */
  create(path: string, kind: 'persistent' | 'ephemeral' = 'persistent'): Promise<boolean | undefined> {
    const mode = kind === 'ephemeral' ? MODES.EPHEMERAL : MODES.PERSISTENT;
    return this.#send(`creating ${path}`, undefined, (done: Callback<boolean | undefined>) => {
      this.client.create(path, Buffer.alloc(0), this.#acl, mode, (error) => {
        const code = codeOf(error);
        if (code === CODES.nodeExists) done(undefined, false);
        else if (code === CODES.noNode) done(undefined, undefined);
        else done(error, true);
      });
    });
  }

  /** Removes a znode; resolves with whether it was there. One that has children is left alone and counts as there. */
  remove(path: string): Promise<boolean> {
    return this.#send(`removing ${path}`, undefined, (done: Callback<boolean>) => {
      this.client.remove(path, (error) => {
        const code = codeOf(error);
        if (code === CODES.noNode) done(undefined, false);
        else done(code === CODES.notEmpty ? undefined : error, true);
      });
    });
  }

  /** What is asked behind this is answered as of now, whichever server of an ensemble answers it. */
  sync(path: string): Promise<void> {
    return this.#send(`catching up with ${path}`, undefined, (done: Callback<void>) => {
      sync(this.client, path, (error) => done(error, undefined));
    });
  }

  /** Does all steps or none. Transactions of a link are done in the order in which they are asked for. */
  multi(what: string, steps: readonly Step[], signal?: AbortSignal): Promise<Outcome> {
    return this.#send(what, signal, (done: Callback<Outcome>) => {
      const transaction = this.client.transaction();
      for (const step of steps) {
        const { kind, path } = step;
        if (kind === 'create') {
          const mode = step.sequential ? MODES.PERSISTENT_SEQUENTIAL : MODES.PERSISTENT;
          transaction.create(path, step.data ?? Buffer.alloc(0), this.#acl, mode);
        } else if (kind === 'remove') transaction.remove(path);
        else if (kind === 'set') transaction.setData(path, step.data ?? Buffer.alloc(0), step.version);
        else transaction.check(path, step.version);
      }
      transaction.commit((error, results: readonly { readonly err?: number; readonly path?: string }[] | undefined) => {
        if (results === undefined || (error && !Array.isArray(results))) done(error, { done: true, paths: [] });
        else if (!error) done(undefined, { done: true, paths: results.map((result) => result.path) });
        else {
          // Those before the one that failed have 0, those behind it -2.
          const at = results.findIndex(({ err }) => err !== undefined && err !== 0);
          done(undefined, { done: false, at, code: codeOf(error) ?? 0 });
        }
      });
    });
  }

  #send<T>(what: string, signal: AbortSignal | undefined, run: (done: Callback<T>) => void): Promise<T> {
    const answer = new Promise<T>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#cork();
      run((error, value) => {
        if (!error) resolve(value);
        else reject(this.#ended ?? this.translate(error, what));
      });
    });
    return signal === undefined ? answer : waitOrAbort(answer, signal, what);
  }

  /** Collects what is written in this turn: the library writes every request by itself. */
  #cork(): void {
    if (this.#corked) return;
    const { socket } = managerOf(this.client);
    if (socket === undefined) return;
    this.#corked = true;
    socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      socket.uncork();
    });
  }

  /** Translates an error of the library; one of the whole connection ends the link. */
  translate(error: unknown, what: string): KombuError {
    const translated = translateError(error, what);
    if (translated.code === 'ERR_KOMBU_CONNECTION_LOST') this.fail(translated);
    return translated;
  }

  /** Ends the link because of an error. */
  fail(error: KombuError): void {
    if (this.#state === 'open') this.#logger.debug(`zookeeper link lost: ${error.message}`);
    this.#finish(this.#state === 'open' ? error : undefined);
  }

  /** Ends the session at the server, and the link. What was asked for before is answered before. */
  async close(graceMs: number): Promise<void> {
    if (this.#state !== 'open') {
      await this.closed;
      return;
    }
    this.#state = 'closing';
    const timer = setTimeout(() => this.#finish(undefined), graceMs);
    this.client.close();
    await this.closed;
    clearTimeout(timer);
  }

  /** Ends the link at once. The session lives on until it times out. */
  destroy(): void {
    this.#finish(undefined);
  }

  #finish(why: KombuError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#ended = why ?? new ClosedError('the connection to ZooKeeper is closed');
    hangUp(this.client);
    this.#end.resolve(why);
  }
}

/** Destroys the socket of a client that is not to connect again, and answers everything that waits with an error. */
export function hangUp(client: Client): void {
  const error = libraryError(CODES.connectionLoss);
  const manager = managerOf(client);
  manager.connect = () => {};
  clearTimeout(manager.connectTimeoutHandler ?? undefined);
  manager.socket?.destroy();
  for (const packet of manager.pendingQueue.splice(0)) packet.callback(error);
  for (let packet = manager.packetQueue.shift(); packet !== undefined; packet = manager.packetQueue.shift()) {
    packet.callback(error);
  }
}

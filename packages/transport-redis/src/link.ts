import { ClosedError, deferred, type KombuError, type Logger, OperationalError, waitOrAbort } from '@kombu/core';
import type { Command, Redis } from 'ioredis';
import type { Script } from './lua/script.js';
import { type ScriptArg, ScriptCall } from './script-call.js';
import { destroySocket } from './socket.js';
import { translateError } from './translate-error.js';

/** An argument of a command. */
export type Arg = ScriptArg;

/** The sockets of a link, by what they are for. */
export interface Sockets {
  /** Every command but those below. */
  readonly commands: Redis;
  /** Fanout subscriptions and invalidations of CLIENT TRACKING. */
  readonly subscriber: Redis;
  /** Publishes, where WAIT must not hold up anything else; else the same as `commands`. */
  readonly publisher: Redis;
}

/**
 * The sockets of one link, ended together: as soon as one of them is lost, or the server turns out to be the wrong one, all are.
 * Every error is translated here.
 */
export class RedisLink {
  readonly closed: Promise<KombuError | undefined>;
  readonly sockets: Sockets;
  /** Whether CLIENT TRACKING is on. */
  tracks = false;
  readonly #all: readonly Redis[];
  readonly #logger: Logger;
  readonly #end = deferred<KombuError | undefined>();
  readonly #pending = new Set<Promise<unknown>>();
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** What calls end with once the link is closed. */
  #ended: KombuError | undefined;

  constructor(sockets: Sockets, logger: Logger) {
    this.sockets = sockets;
    this.closed = this.#end.promise;
    this.#all = [...new Set([sockets.commands, sockets.subscriber, sockets.publisher])];
    this.#logger = logger;
    for (const client of this.#all) {
      client.on('error', (error) => this.fail(translateError(error, 'the connection to Redis').error));
      const ended = () => this.fail(new OperationalError('CONNECTION_LOST', 'Redis closed the connection'));
      if (client.status === 'end') queueMicrotask(ended);
      else client.once('end', ended);
    }
  }

  get clients(): readonly Redis[] {
    return this.#all;
  }

  /** Sends a command. With a signal the promise ends when that is aborted; the command may be carried out all the same. */
  call(
    what: string,
    command: string,
    args: readonly Arg[],
    signal?: AbortSignal,
    client = this.sockets.commands,
  ): Promise<unknown> {
    return this.#guard(what, client.call(command, args as Arg[]), signal);
  }

  /**
   * Runs a script by its digest, and by its text when the server has lost it. `sent` is called each time that it was sent, and
   * says whether that makes this link send more in this very turn: it goes out together then.
   */
  run(
    script: Script,
    keys: readonly string[],
    args: readonly Arg[],
    signal?: AbortSignal,
    client = this.sockets.commands,
    sent?: () => boolean,
  ): Promise<unknown> {
    const call = new ScriptCall(script, keys, args);
    const reply = sendOff(client, call.byDigest(), sent).catch((error: Error) => {
      if (!error.message.startsWith('NOSCRIPT')) throw error;
      return sendOff(client, call.byText(), sent);
    });
    return this.#guard(script.name, reply, signal);
  }

  /** A command that reads, and has the server tell of the next change of the keys it names (CLIENT TRACKING with OPTIN). */
  tracked(what: string, command: string, args: readonly Arg[], signal?: AbortSignal): Promise<unknown> {
    if (!this.tracks) return this.call(what, command, args, signal);
    return this.together(() => {
      this.call('CLIENT CACHING', 'client', ['caching', 'yes']).catch(() => {});
      return this.call(what, command, args, signal);
    });
  }

  /** What `work` sends over the command socket goes out in one piece. */
  together<T>(work: () => T): T {
    const { stream } = this.sockets.commands;
    stream.cork();
    try {
      return work();
    } finally {
      stream.uncork();
    }
  }

  #guard(what: string, reply: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
    const guarded = reply.catch((error: unknown) => {
      if (this.#ended !== undefined) throw this.#ended;
      const { error: translated, endsLink } = translateError(error, what);
      if (endsLink) this.fail(translated);
      throw translated;
    });
    this.#pending.add(guarded);
    const done = () => this.#pending.delete(guarded);
    guarded.then(done, done);
    return signal === undefined ? guarded : waitOrAbort(guarded, signal, what);
  }

  /** Ends the link because of an error. */
  fail(error: KombuError): void {
    if (this.#state === 'open') this.#logger.debug(`redis link lost: ${error.message}`);
    this.#finish(this.#state === 'open' ? error : undefined);
  }

  #finish(why: KombuError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#ended = why ?? new ClosedError('the connection to Redis is closed');
    for (const client of this.#all) destroySocket(client);
    this.#end.resolve(why);
  }

  /** Waits for the replies that are under way, at most `graceMs`, and ends the link. */
  async close(graceMs: number): Promise<void> {
    if (this.#state !== 'open') {
      await this.closed;
      return;
    }
    this.#state = 'closing';
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([Promise.allSettled(this.#pending), grace]);
    clearTimeout(timer);
    this.destroy();
  }

  /** Ends the link at once. */
  destroy(): void {
    this.#finish(undefined);
  }
}

function sendOff(client: Redis, command: Command, sent: (() => boolean) | undefined): Promise<unknown> {
  if (sent === undefined) return client.sendCommand(command) as Promise<unknown>;
  const { stream } = client;
  stream.cork();
  const reply = client.sendCommand(command) as Promise<unknown>;
  if (sent()) queueMicrotask(() => stream.uncork());
  else stream.uncork();
  return reply;
}

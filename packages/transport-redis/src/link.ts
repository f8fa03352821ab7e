import { ClosedError, deferred, type KombuError, type Logger, OperationalError, waitOrAbort } from '@kombu/core';
import type { Command, Redis } from 'ioredis';
import type { Script } from './lua/script.js';
import { EncodedArgs, type ScriptArg, ScriptCall, ScriptHead, textCommand } from './script-call.js';
import { destroySocket } from './socket.js';
import { translateError } from './translate-error.js';

/** An argument of a command. */
export type Arg = string | number;

const YES = new EncodedArgs(['caching', 'yes']);

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
  /** Replies that are under way. Only counted: a Set that changes with each would keep dead replies in memory (ADR 0054). */
  #pending = 0;
  /** Told when the last of them is there. */
  #onIdle: (() => void) | undefined;
  /** Sockets whose commands of this turn are written in one piece. */
  readonly #gathering: Redis[] = [];
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

  /** Whether it has not ended. */
  get isOpen(): boolean {
    return this.#state !== 'closed';
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
   * says whether that makes this link send more in this very turn: where it does not, the script is written at once.
   *
   * @param keys those of the script, or as a head made before those and the first arguments
   */
  run(
    script: Script,
    keys: readonly string[] | ScriptHead,
    args: readonly ScriptArg[],
    signal?: AbortSignal,
    client = this.sockets.commands,
    sent?: () => boolean,
  ): Promise<unknown> {
    const call = new ScriptCall(script, keys instanceof ScriptHead ? keys : new ScriptHead(keys), args);
    const send = (command: Command): Promise<unknown> => {
      this.#gather(client);
      const sending = client.sendCommand(command) as Promise<unknown>;
      if (sent?.() === false) this.#release(client);
      return sending;
    };
    return this.#guard(script.name, send(call.byDigest()), signal, () => send(call.byText()));
  }

  /** A command that reads, and has the server tell of the next change of the keys it names (CLIENT TRACKING with OPTIN). */
  tracked(what: string, command: string, args: readonly Arg[] | EncodedArgs, signal?: AbortSignal): Promise<unknown> {
    const { commands } = this.sockets;
    if (this.tracks) {
      this.#gather(commands);
      this.#send('CLIENT CACHING', commands, textCommand('client', YES)).catch(() => {});
    }
    const encoded = args instanceof EncodedArgs ? args : new EncodedArgs(args);
    return this.#send(what, commands, textCommand(command, encoded), signal);
  }

  #send(what: string, client: Redis, command: Command, signal?: AbortSignal): Promise<unknown> {
    return this.#guard(what, client.sendCommand(command) as Promise<unknown>, signal);
  }

  /** From here on what is sent is written in one piece, when the work that is due now is done. */
  #gather(client: Redis): void {
    if (this.#gathering.includes(client)) return;
    this.#gathering.push(client);
    client.stream?.cork();
    queueMicrotask(() => this.#release(client));
  }

  #release(client: Redis): void {
    const at = this.#gathering.indexOf(client);
    if (at < 0) return;
    this.#gathering.splice(at, 1);
    client.stream?.uncork();
  }

  /** @param again sends it once more, where the server has lost the script */
  #guard(
    what: string,
    reply: Promise<unknown>,
    signal?: AbortSignal,
    again?: () => Promise<unknown>,
  ): Promise<unknown> {
    this.#pending++;
    const guarded = reply.then(
      (value) => {
        this.#answered();
        return value;
      },
      (error: unknown) => {
        const lost = again !== undefined && error instanceof Error && error.message.startsWith('NOSCRIPT');
        const retried = lost ? this.#guard(what, again()) : undefined;
        this.#answered();
        if (retried !== undefined) return retried;
        throw this.#translated(error, what);
      },
    );
    return signal === undefined ? guarded : waitOrAbort(guarded, signal, what);
  }

  #answered(): void {
    this.#pending--;
    if (this.#pending === 0) this.#onIdle?.();
  }

  #translated(error: unknown, what: string): KombuError {
    if (this.#ended !== undefined) return this.#ended;
    const { error: translated, endsLink } = translateError(error, what);
    if (endsLink) this.fail(translated);
    return translated;
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
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
      this.#onIdle = resolve;
      if (this.#pending === 0) resolve();
    });
    clearTimeout(timer);
    this.destroy();
  }

  /** Ends the link at once. */
  destroy(): void {
    this.#finish(undefined);
  }
}

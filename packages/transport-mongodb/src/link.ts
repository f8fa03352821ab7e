import { ClosedError, deferred, type KombuError, type Logger, OperationalError, waitOrAbort } from '@kombu/core';
import type { MongoClient, TopologyDescription } from 'mongodb';
import { translateError } from './translate-error.js';

/** Kinds of servers that take writes. */
const WRITABLE: ReadonlySet<string> = new Set(['Standalone', 'RSPrimary', 'Mongos', 'LoadBalancer']);

/** Whether there is a server to write to. */
function isWritable(description: TopologyDescription): boolean {
  for (const { type } of description.servers.values()) if (WRITABLE.has(type)) return true;
  return false;
}

function lost({ servers }: TopologyDescription): KombuError {
  const text = 'MongoDB has no server that takes writes any more';
  const cause = [...servers.values()].find(({ error }) => error !== null)?.error;
  if (!cause) return new OperationalError('CONNECTION_LOST', text);
  const reason = translateError(cause, 'the connection to MongoDB').error;
  return new OperationalError('CONNECTION_LOST', `${text}: ${reason.message}`, { cause: reason.cause });
}

/**
 * One client of the driver, from connecting to the first moment that there is no server to write to: the driver would look for
 * another one by itself, but then nobody would know what was lost. Connection opens the next link. Every error is translated here.
 */
export class MongodbLink {
  readonly closed: Promise<KombuError | undefined>;
  readonly client: MongoClient;
  readonly #logger: Logger;
  readonly #end = deferred<KombuError | undefined>();
  readonly #pending = new Set<(error: KombuError) => void>();
  readonly #lasting = new Set<(error: KombuError) => void>();
  #idle: (() => void) | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** What calls end with once the link is closed. */
  #ended: KombuError | undefined;

  /** @param client connected */
  constructor(client: MongoClient, logger: Logger) {
    this.client = client;
    this.closed = this.#end.promise;
    this.#logger = logger;
    client.on('topologyDescriptionChanged', ({ newDescription }) => {
      if (!isWritable(newDescription)) this.fail(lost(newDescription));
    });
  }

  /**
   * Takes a socket that was cut for the end of the link. The driver opens another one silently; where nothing is awaited from the
   * server, nobody would know that a restart has come between.
   */
  watchSockets(): void {
    this.client.on('connectionClosed', ({ reason }) => {
      if (reason === 'error') this.fail(new OperationalError('CONNECTION_LOST', 'MongoDB has closed a socket'));
    });
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Runs an operation of the driver. With a signal the promise ends when that is aborted; the operation is carried out all the same. */
  run<T>(what: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const answer = this.#guard(what, work, this.#pending);
    return signal === undefined ? answer : waitOrAbort(answer, signal, what);
  }

  /** Runs something that lasts as long as the link does: `close` does not wait for it. */
  background<T>(what: string, work: () => Promise<T>): Promise<T> {
    return this.#guard(what, work, this.#lasting);
  }

  #guard<T>(what: string, work: () => Promise<T>, pending: Set<(error: KombuError) => void>): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise<T>((resolve, reject) => {
      const done = (): void => {
        pending.delete(reject);
        if (this.#pending.size === 0) this.#idle?.();
      };
      pending.add(reject);
      work().then(
        (value) => {
          done();
          resolve(value);
        },
        (thrown: unknown) => {
          done();
          const { error, endsLink } = translateError(thrown, what);
          if (endsLink && this.#ended === undefined) this.fail(error);
          reject(this.#ended ?? error);
        },
      );
    });
  }

  /** Ends the link because of an error. */
  fail(error: KombuError): void {
    if (this.#state === 'open') this.#logger.debug(`mongodb link lost: ${error.message}`);
    this.#finish(this.#state === 'open' ? error : undefined);
  }

  #finish(why: KombuError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    const ended = why ?? new ClosedError('the connection to MongoDB is closed');
    this.#ended = ended;
    for (const reject of [...this.#pending, ...this.#lasting]) reject(ended);
    this.#pending.clear();
    this.#lasting.clear();
    this.#idle?.();
    this.client.close(true).catch(() => {});
    this.#end.resolve(why);
  }

  /** Waits for the operations that are under way, at most `graceMs`, and ends the link. */
  async close(graceMs: number): Promise<void> {
    if (this.#state !== 'open') {
      await this.closed;
      return;
    }
    this.#state = 'closing';
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#finish(undefined);
  }

  /** Ends the link at once. */
  destroy(): void {
    this.#finish(undefined);
  }
}

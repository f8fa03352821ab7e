import type { Message } from '../../messaging/message.js';
import { type Deferred, deferred } from '../../util/deferred.js';

/** The calls that wait for their reply, by correlation id. */
export class PendingCalls {
  readonly #waiting = new Map<string, Deferred<Message>>();

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** A call begins to wait. */
  add(id: string): Promise<Message> {
    const reply = deferred<Message>();
    reply.promise.catch(() => {}); // Told by the call, or it has ended.
    this.#waiting.set(id, reply);
    return reply.promise;
  }

  /** A call waits no more. */
  forget(id: string): void {
    this.#waiting.delete(id);
  }

  /** Gives a reply to whoever waits for it; whether somebody does. */
  take(reply: Message): boolean {
    const { correlationId } = reply.properties;
    const waiting = typeof correlationId === 'string' ? this.#waiting.get(correlationId) : undefined;
    waiting?.resolve(reply);
    return waiting !== undefined;
  }

  /** The reply to this one cannot be read. */
  fail(reply: Message, error: Error): void {
    const { correlationId } = reply.properties;
    if (typeof correlationId === 'string') this.#waiting.get(correlationId)?.reject(error);
  }

  /** Ends the wait of all. */
  end(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

import { type ConsumeRequest, NotSupportedError, type QueueSpec } from '@kombu/core';

/**
 * Which queues are streams or auto-delete, as far as this link has declared them. RabbitMQ ends the whole connection when a stream is asked
 * for what only queues can do, so that has to be refused before it is sent.
 */
export class QueueKinds {
  readonly #kinds = new Map<string, 'stream' | 'queue'>();

  readonly #autoDelete = new Set<string>();

  declared({ autoDelete, arguments: table }: QueueSpec, name: string): void {
    this.#kinds.set(name, table['x-queue-type'] === 'stream' ? 'stream' : 'queue');
    if (autoDelete) this.#autoDelete.add(name);
    else this.#autoDelete.delete(name);
  }

  deleted(name: string): void {
    this.#kinds.delete(name);
    this.#autoDelete.delete(name);
  }

  /** Whether this link has declared it as one that goes with its last consumer. */
  isAutoDelete(name: string): boolean {
    return this.#autoDelete.has(name);
  }

  /** Undefined: this link has not declared it. */
  kind(name: string): 'stream' | 'queue' | undefined {
    return this.#kinds.get(name);
  }

  /** Whether a consumer reads a stream, by what this link has declared or by what it asks for. */
  readsStream({ queue, arguments: table }: ConsumeRequest): boolean {
    const kind = this.kind(queue);
    return kind === 'stream' || (kind === undefined && table['x-stream-offset'] !== undefined);
  }

  /** @throws NotSupportedError when it is a stream. */
  refuseStream(name: string, what: string): void {
    if (this.kind(name) === 'stream')
      throw new NotSupportedError(`${what}: "${name}" is a stream, which has no such thing`);
  }
}

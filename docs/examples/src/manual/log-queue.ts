import { hostname } from 'node:os';
import type { Connection, SimpleQueue } from '@kombu/core';

/** One line of the log. */
export interface LogEntry {
  readonly message: string;
  readonly level: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly hostname: string;
  readonly timestamp: number;
}

/** A log that is a queue: whoever wants to reads it. */
export class LogQueue {
  readonly #queue: SimpleQueue<LogEntry>;

  constructor(connection: Connection, queueName = 'log_queue', compression?: string) {
    this.#queue = connection.simpleQueue<LogEntry>(queueName, { serializer: 'json', compression });
  }

  /** Writes one line. */
  async log(message: string, level = 'INFO', context: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const entry: LogEntry = { message, level, context, hostname: hostname(), timestamp: Date.now() / 1000 };
    await this.#queue.put(entry);
  }

  /** Reads `n` lines. */
  async process(callback: (entry: LogEntry) => void, n = 1, timeoutMs = 1000): Promise<void> {
    for (let i = 0; i < n; i++) {
      const message = await this.#queue.get({ timeoutMs });
      callback(message.payload);
      await message.ack();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#queue.close();
  }
}

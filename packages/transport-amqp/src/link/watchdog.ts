import type { Duplex } from 'node:stream';
import { type Clock, OperationalError } from '@kombu/core';
import type { Output } from '../wire/output.js';

/** What the watchdog looks at. */
export interface Watched {
  readonly clock: Clock;
  readonly stream: Duplex;
  readonly output: Output;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  /** Whether the broker has something to answer. */
  owes(): boolean;
  /** Whether the broker has said that it does not read now. */
  blocked(): boolean;
  /** Called once, with the reason to give the link up. */
  giveUp(error: OperationalError): void;
}

/**
 * Gives a link up when the broker answers nothing for `readTimeoutMs` while it owes an answer, or when the network takes
 * nothing of what was written for `writeTimeoutMs`. Heartbeats do the same more slowly and without being asked; this is for
 * those who want it quicker. Returns the function that ends it.
 */
export function watch(it: Watched): () => void {
  const limits = [it.readTimeoutMs, it.writeTimeoutMs].filter((ms) => ms > 0);
  if (limits.length === 0) return () => {};
  const everyMs = Math.max(10, Math.min(...limits) / 4);
  const socket = it.stream as Duplex & { readonly bytesRead?: number };
  let read = socket.bytesRead;
  let readAt = it.clock.monotonic();
  let written = it.output.completedWrites;
  let writtenAt = readAt;
  let stop = (): void => {};
  const look = (): void => {
    const now = it.clock.monotonic();
    if (socket.bytesRead !== read || !it.owes() || it.blocked()) {
      read = socket.bytesRead;
      readAt = now;
    }
    if (it.output.completedWrites !== written || it.output.waitingBytes === 0 || it.blocked()) {
      written = it.output.completedWrites;
      writtenAt = now;
    }
    if (it.readTimeoutMs > 0 && now - readAt >= it.readTimeoutMs) {
      it.giveUp(new OperationalError('CONNECTION_LOST', `the broker did not answer for ${it.readTimeoutMs} ms`));
    } else if (it.writeTimeoutMs > 0 && now - writtenAt >= it.writeTimeoutMs) {
      it.giveUp(new OperationalError('CONNECTION_LOST', `nothing could be sent for ${it.writeTimeoutMs} ms`));
    } else stop = it.clock.after(everyMs, look, { unref: true });
  };
  stop = it.clock.after(everyMs, look, { unref: true });
  return () => stop();
}

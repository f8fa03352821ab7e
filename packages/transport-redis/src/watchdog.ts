import type { Clock } from '@kombu/core';
import type { Redis } from 'ioredis';

/** What a watchdog knows of one socket. */
interface Seen {
  readonly client: Redis;
  bytes: number;
  pinged: boolean;
}

/**
 * Finds out that a link is dead although nobody said so: a socket that was silent for a third of the heartbeat is pinged, and
 * one that has not even answered that a third later is given up. One timer for all sockets of a link.
 */
export class Watchdog {
  readonly #sockets: readonly Seen[];
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #dead: (client: Redis) => void;
  #cancel: (() => void) | undefined;

  constructor(clients: readonly Redis[], heartbeatMs: number, clock: Clock, dead: (client: Redis) => void) {
    this.#sockets = clients.map((client) => ({ client, bytes: -1, pinged: false }));
    this.#clock = clock;
    this.#everyMs = Math.max(1, heartbeatMs / 3);
    this.#dead = dead;
  }

  start(): void {
    this.#cancel = this.#clock.after(this.#everyMs, () => this.#look(), { unref: true });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    // What arrived while the process was busy is read between two turns of the event loop; only then the verdict is fair.
    setImmediate(() =>
      setImmediate(() => {
        if (this.#cancel === undefined) return;
        for (const socket of this.#sockets) this.#check(socket);
        if (this.#cancel !== undefined) this.start();
      }),
    );
  }

  #check(socket: Seen): void {
    const bytes = socket.client.stream.bytesRead;
    if (bytes !== socket.bytes) {
      socket.bytes = bytes;
      socket.pinged = false;
    } else if (socket.pinged) {
      this.#dead(socket.client);
    } else {
      socket.pinged = true;
      socket.client.ping().catch(() => {});
    }
  }
}

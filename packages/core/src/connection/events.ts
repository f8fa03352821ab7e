import type { Logger } from '../util/logger.js';

type Listener<T> = (payload: T) => void;

/**
 * Typed events. A listener that throws disturbs neither the other listeners nor the one who emits: what it threw is logged.
 * An event that nobody listens to is nothing, `error` included.
 */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Listener<never>[]>();
  readonly #logger: () => Logger;

  constructor(logger: () => Logger) {
    this.#logger = logger;
  }

  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): void {
    // Copied, so that adding and removing during an emit does not disturb it.
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  off<K extends keyof Events>(event: K, listener: Listener<Events[K]>): void {
    const listeners = this.#listeners.get(event);
    const at = listeners?.indexOf(listener) ?? -1;
    if (listeners === undefined || at < 0) return;
    if (listeners.length === 1) this.#listeners.delete(event);
    else this.#listeners.set(event, listeners.toSpliced(at, 1));
  }

  once<K extends keyof Events>(event: K, listener: Listener<Events[K]>): void {
    const first: Listener<Events[K]> = (payload) => {
      this.off(event, first);
      listener(payload);
    };
    this.on(event, first);
  }

  /** Calls every listener of this event, in the order they were added. */
  emit<K extends keyof Events>(event: K, payload: Events[K]): void {
    for (const listener of (this.#listeners.get(event) ?? []) as Listener<Events[K]>[]) {
      try {
        listener(payload);
      } catch (error) {
        this.#logger().error(`a listener of '${String(event)}' threw`, error);
      }
    }
  }

  has(event: keyof Events): boolean {
    return this.#listeners.has(event);
  }
}

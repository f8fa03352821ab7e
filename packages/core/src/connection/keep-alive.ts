import { MAX_TIMER_MS } from '../util/clock.js';

/**
 * Keeps the process alive while somebody consumes or waits: an idle connection does not, whatever its driver's sockets do.
 */
export class KeepAlive {
  #holders = 0;
  #timer: NodeJS.Timeout | undefined;

  acquire(): void {
    if (this.#holders++ === 0) this.#timer = setInterval(() => {}, MAX_TIMER_MS);
  }

  release(): void {
    if (this.#holders === 0 || --this.#holders > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

import type { Clock } from '../util/clock.js';
import { RestTimer } from './rest-timer.js';

/** Times that are closer together than this are one. */
const FINEST_MS = 10;
const COARSEST_MS = 5000;

/**
 * When something of a queue is going to expire. Times are rounded up, the further away the more (a twentieth of the time that
 * is left), so that a queue has a few hundred of them however many messages it has.
 */
export class ExpirySchedule {
  readonly #clock: Clock;
  readonly #due = new Map<string, number[]>();
  readonly #timer: RestTimer;

  /** @param fire something of this queue is to have expired by now */
  constructor(clock: Clock, fire: (queue: string) => void) {
    this.#clock = clock;
    this.#timer = new RestTimer(clock, () => this.#run(fire), { unref: true });
  }

  /** @param at wall-clock milliseconds */
  add(queue: string, at: number): void {
    const left = at - this.#clock.now();
    const step = Math.min(COARSEST_MS, Math.max(FINEST_MS, left / 20));
    const slot = Math.ceil(at / step) * step;
    let slots = this.#due.get(queue);
    if (slots === undefined) {
      slots = [];
      this.#due.set(queue, slots);
    }
    const last = slots[slots.length - 1];
    if (last !== undefined && slot <= last) {
      const next = slots.findIndex((other) => other >= slot);
      const there = slots[next];
      if (there !== undefined && there - slot < step) return;
      slots.splice(next, 0, slot);
    } else slots.push(slot);
    this.#timer.arm(slot - this.#clock.now());
  }

  forget(queue: string): void {
    this.#due.delete(queue);
  }

  stop(): void {
    this.#due.clear();
    this.#timer.disarm();
  }

  #run(fire: (queue: string) => void): void {
    const now = this.#clock.now();
    const fired: string[] = [];
    for (const [queue, slots] of this.#due) {
      const left = slots.findIndex((slot) => slot > now);
      if (left === 0) continue;
      fired.push(queue);
      if (left < 0) this.#due.delete(queue);
      else slots.splice(0, left);
    }
    let next = Number.POSITIVE_INFINITY;
    for (const slots of this.#due.values()) next = Math.min(next, slots[0] ?? next);
    if (next !== Number.POSITIVE_INFINITY) this.#timer.arm(next - now);
    for (const queue of fired) fire(queue);
  }
}

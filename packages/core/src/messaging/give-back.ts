import type { Channel } from '../connection/channel.js';
import type { Delivery } from '../transport/delivery.js';

/** Gives a delivery that nobody has looked at back to the front of its queue. Never fails. */
export function giveBack(channel: Channel, delivery: Delivery): void {
  try {
    Promise.resolve(channel.settle(delivery, 'release')).catch(() => {});
  } catch {
    // Its link or its channel is gone, and the broker has it back already.
  }
}

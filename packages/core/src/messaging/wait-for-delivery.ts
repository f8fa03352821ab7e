import { sleep } from '../connection/deadlines.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import type { KombuError } from '../errors/index.js';
import type { Delivery } from '../transport/delivery.js';
import { waitOrAbort } from '../util/abort.js';
import { deferred } from '../util/deferred.js';
import { uuid } from '../util/id.js';
import { giveBack } from './give-back.js';

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

/**
 * Waits for the next delivery of a queue and takes no other one: by a consumer of prefetch 1 that is cancelled before the
 * delivery is given out. A queue that goes away with its last consumer is looked at now and again instead.
 */
export async function waitForDelivery(queue: BoundQueue, signal: AbortSignal): Promise<Delivery> {
  const first = await queue.channel.get(queue.name, { signal });
  if (first !== undefined) return first;
  return queue.entity.autoDelete ? lookAgain(queue, signal) : consumeOne(queue, signal);
}

async function lookAgain({ channel, name }: BoundQueue, signal: AbortSignal): Promise<Delivery> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    await sleep(pause, channel.connection.clock, 'get', { signal });
    const delivery = await channel.get(name, { signal });
    if (delivery !== undefined) return delivery;
  }
}

async function consumeOne({ channel, name, entity }: BoundQueue, signal: AbortSignal): Promise<Delivery> {
  const arrived = deferred<Delivery>();
  let state: 'waiting' | 'over' = 'waiting';
  const tag = `kombu-get-${uuid()}`;
  const request = {
    queue: name,
    tag,
    noAck: false,
    exclusive: false,
    noLocal: false,
    arguments: entity.consumerArguments,
    prefetch: 1,
  };
  const subscriber = {
    deliver(delivery: Delivery): void {
      if (state === 'over') giveBack(channel, delivery);
      else arrived.resolve(delivery);
      state = 'over';
    },
    cancelledByBroker: (why: KombuError): void => arrived.reject(why),
  };
  arrived.promise.catch(() => {}); // Told below, or of no interest any more.
  await channel.consume(request, subscriber, { signal });
  try {
    return await waitOrAbort(arrived.promise, signal, 'get', (late) => giveBack(channel, late));
  } finally {
    state = 'over';
    // Whoever waited gets the message, or hears why not, also where the broker does not let go of the consumer.
    await channel.cancel(tag).catch((error: unknown) => channel.connection.emitError(error));
  }
}

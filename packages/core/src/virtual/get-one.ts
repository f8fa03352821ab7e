import { AbortedError } from '../errors/index.js';
import type { Op } from '../transport/channel.js';
import type { BroadcastHub } from './broadcast-hub.js';
import type { Declarations } from './declarations.js';
import type { Link } from './link.js';
import type { Opened } from './parts.js';
import type { Settling } from './settling.js';

/** Takes one message of a queue, leaving out those that have expired. NOT_FOUND for a queue that is not there. */
export async function getOne(
  parts: {
    readonly link: Link;
    readonly declarations: Declarations;
    readonly settling: Settling;
    readonly hub: BroadcastHub;
    readonly signal: AbortSignal;
  },
  queue: string,
  o: Op & { readonly noAck?: boolean },
): Promise<Opened | undefined> {
  const { link, settling, hub } = parts;
  const known = link.bindings.queue(queue);
  const simple = known?.record !== undefined && !known.record.exclusive && known.settings.expiresMs === undefined;
  if (!simple) await parts.declarations.use(queue, o);
  const noAck = o.noAck === true;
  for (;;) {
    settling.buffer.flush();
    const waiting = hub.take(queue);
    const request = { queues: [queue], max: 1, leaseMs: link.options.leaseMs, noAck, waitMs: 0 };
    const got = waiting ? [waiting] : await link.driver.reserve({ ...request, signal: o.signal ?? parts.signal });
    if (o.signal?.aborted) {
      settling.giveBack(got, noAck);
      throw new AbortedError('get was aborted', { cause: o.signal.reason });
    }
    const reserved = got[0];
    if (reserved === undefined) return undefined;
    const content = settling.open(reserved);
    const expiresAt = reserved.expiresAt ?? content.expiresAt;
    if (expiresAt === undefined || expiresAt > link.clock.now()) return { reserved, content };
    settling.dispose(reserved, content, 'expired', noAck);
  }
}

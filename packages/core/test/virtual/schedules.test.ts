import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Delivery } from '../../src/transport/delivery.js';
import {
  brokers,
  closeAll,
  collect,
  connect,
  drain,
  message,
  openChannel,
  queue,
  settle,
  text,
  to,
  until,
} from './support/level1.js';

afterEach(closeAll);

type Step =
  | { readonly do: 'publish'; readonly count: number }
  | { readonly do: 'consume'; readonly prefetch: number; readonly channel: number }
  | { readonly do: 'cancel' | 'close' | 'recover' | 'turn' }
  | { readonly do: 'get'; readonly abort: boolean }
  | {
      readonly do: 'settle';
      readonly outcome: 'ack' | 'requeue' | 'release';
      readonly from: number;
      readonly multiple: boolean;
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 12 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('consume' as const),
      prefetch: fc.integer({ min: 1, max: 5 }),
      channel: fc.nat(1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'recover' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), abort: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      outcome: fc.constantFrom('ack' as const, 'ack' as const, 'requeue' as const, 'release' as const),
      from: fc.nat(),
      multiple: fc.boolean(),
    }),
  },
);

describe.each(brokers)('any schedule on %s', (name, start) => {
  it('acknowledges every message exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const { transport } = start();
        const main = await connect(transport);
        await main.channel.declareQueue(queue('q'));
        let channels = [main.channel, (await openChannel(main.connection)).channel];
        const tags: { readonly tag: string; readonly channel: (typeof channels)[number] }[] = [];
        const acked: string[] = [];
        let held: { readonly delivery: Delivery; readonly channel: (typeof channels)[number] }[] = [];
        let sent = 0;
        const publishing: unknown[] = [];
        for (const one of steps) {
          switch (one.do) {
            case 'publish':
              for (let i = 0; i < one.count; i++)
                publishing.push(channels[0]?.publish(message(String(sent++)), to('', 'q')));
              break;
            case 'consume': {
              const channel = channels[one.channel];
              if (channel === undefined) break;
              const { tag } = await collect(channel, 'q', {
                prefetch: one.prefetch,
                handle: (delivery) => held.push({ delivery, channel }),
              });
              tags.push({ tag, channel });
              break;
            }
            case 'cancel': {
              const last = tags.pop();
              // Not waited for: what is in the air may arrive meanwhile.
              void last?.channel.cancel(last.tag);
              break;
            }
            case 'close': {
              const [gone] = channels.splice(1, 1);
              await gone?.close();
              held = held.filter((item) => item.channel !== gone);
              channels = [...channels, (await openChannel(main.connection)).channel];
              break;
            }
            case 'recover': {
              const channel = channels[1];
              const recovering = channel?.recover?.({ requeue: true });
              // At once: what is delivered again while it is waited for is in hand anew.
              held = held.filter((item) => item.channel !== channel);
              await recovering;
              break;
            }
            case 'get': {
              const controller = new AbortController();
              const channel = channels[0];
              const getting = channel?.get('q', { signal: controller.signal });
              if (one.abort) setImmediate(() => controller.abort());
              const delivery = await getting?.catch(() => undefined);
              if (delivery !== undefined && channel !== undefined) held.push({ delivery, channel });
              break;
            }
            case 'settle': {
              const item = held[one.from % Math.max(1, held.length)];
              if (item === undefined) break;
              const { delivery, channel } = item;
              const upTo = held.filter((other) => other.channel === channel);
              const multiple = one.multiple && one.outcome === 'ack';
              const gone = multiple ? upTo.slice(0, upTo.indexOf(item) + 1) : [item];
              void channel.settle(delivery, one.outcome, { multiple });
              held = held.filter((other) => !gone.includes(other));
              if (one.outcome === 'ack') for (const other of gone) acked.push(text(other.delivery) ?? '');
              break;
            }
            default:
              await settle(1);
          }
        }
        await Promise.all(publishing);
        // Whatever is still in hand goes back, and everything is drained.
        await main.connection.close();
        const after = await connect(transport);
        await until('all of it is seen', async () => {
          acked.push(...(await drain(after.channel, 'q')));
          return acked.length >= sent;
        });
        await settle(5);
        acked.push(...(await drain(after.channel, 'q')));
        expect([...acked].sort((a, b) => Number(a) - Number(b))).toEqual(
          Array.from({ length: sent }, (_, i) => String(i)),
        );
        await after.connection.close();
      }),
      { numRuns: name === 'memory' ? 150 : 60 },
    );
  }, 60_000);
});

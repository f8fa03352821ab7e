import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createMemoryTransport } from '../../src/memory/memory.js';
import { createLocalTopology } from '../../src/virtual/local-topology.js';
import { closeAll, connect, drain, exchange, message, queue, to } from './support/level1.js';

afterEach(closeAll);

const QUEUES = ['q0', 'q1', 'q2', 'q3'];
const EXCHANGES = ['x0', 'x1', 'x2'];

type Bind = { readonly kind: 'queue' | 'exchange'; readonly to: number; readonly from: number; readonly key: string };

const bind: fc.Arbitrary<Bind> = fc.record({
  kind: fc.constantFrom('queue' as const, 'exchange' as const),
  to: fc.nat(2),
  from: fc.nat(2),
  key: fc.constantFrom('a', 'b', '*', '#', 'a.b', 'a.*', 'a.#', ''),
});

/** The queues that messages with a few keys reach when the bindings are made in this order. */
async function reached(binds: readonly Bind[], types: readonly string[]): Promise<Record<string, string[]>> {
  const { channel, connection } = await connect(createMemoryTransport());
  for (const [i, name] of EXCHANGES.entries()) await channel.declareExchange(exchange(name, types[i]));
  for (const name of QUEUES) await channel.declareQueue(queue(name));
  for (const { kind, to: target, from, key } of binds) {
    const source = EXCHANGES[from] ?? '';
    if (kind === 'queue')
      await channel.bindQueue({ queue: QUEUES[target] ?? '', exchange: source, routingKey: key, arguments: {} });
    else await channel.bindExchange?.({ destination: EXCHANGES[target] ?? '', source, routingKey: key, arguments: {} });
  }
  for (const key of ['a', 'b', 'a.b', 'a.b.c', '']) await channel.publish(message(key), to('x0', key));
  const found: Record<string, string[]> = {};
  for (const name of QUEUES) found[name] = await drain(channel, name);
  await connection.close();
  return found;
}

describe('bindings', () => {
  it('mean the same in any order, and twice the same as once', async () => {
    const types = fc.array(fc.constantFrom('direct', 'topic', 'fanout'), { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(bind, { maxLength: 8 }),
        types,
        fc.infiniteStream(fc.double({ noNaN: true })),
        async (binds, kinds, luck) => {
          const shuffled = binds
            .map((one) => ({ one, at: luck.next().value as number }))
            .sort((a, b) => a.at - b.at)
            .map(({ one }) => one);
          const once = await reached(binds, kinds);
          expect(await reached([...shuffled, ...binds.slice(0, 2)], kinds)).toEqual(once);
          for (const all of Object.values(once)) expect(new Set(all).size).toBe(all.length);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a topology of this process', () => {
  it('tells of dropped queues, and of the exchanges that lost a binding', async () => {
    const topology = createLocalTopology();
    const dropped: string[] = [];
    const end = topology.onQueueDropped?.((name) => dropped.push(name));
    await topology.saveQueue({ name: 'q', durable: true, exclusive: false, autoDelete: false, arguments: {} });
    const binding = { destination: 'q', destinationType: 'queue' as const, routingKey: 'k', arguments: {} };
    await topology.bind({ ...binding, exchange: 'x' });
    await topology.bind({ ...binding, exchange: 'x', arguments: { a: 1, b: 2 } });
    await topology.bind({ ...binding, exchange: 'x', arguments: { b: 2, a: 1 } });
    await topology.bind({ ...binding, exchange: 'y' });
    expect(topology.view?.exchange('x')?.bindings.length).toBe(2);
    const revision = topology.view?.revision ?? 0;
    expect([...(await topology.dropQueue('q'))].sort()).toEqual(['x', 'y']);
    expect(topology.view?.revision).toBeGreaterThan(revision);
    expect(topology.view?.exchange('x')).toBeUndefined();
    expect(await topology.dropQueue('q')).toEqual([]);
    end?.();
    await topology.saveQueue({ name: 'q', durable: true, exclusive: false, autoDelete: false, arguments: {} });
    await topology.dropQueue('q');
    expect(dropped).toEqual(['q']);
  });
});

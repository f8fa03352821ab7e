import { core, loop } from './core.js';

const EXCHANGE = { type: 'direct', durable: true, autoDelete: false, arguments: {} };

/** A message's queues, by the number of bindings of its exchange: with the route remembered, and by the tables alone. */
export default async function cases() {
  const { RouteFinder } = await core('virtual/router.js');
  const { BindingCache } = await core('virtual/binding-cache.js');
  const kinds = await core('virtual/exchange-kinds.js');
  const { createLocalTopology } = await core('virtual/local-topology.js');
  const list = [];

  for (const bindings of [1, 100, 10_000]) {
    const topology = createLocalTopology();
    await topology.saveExchange({ ...EXCHANGE, name: 'e' });
    for (let i = 0; i < bindings; i++) {
      await topology.bind({
        exchange: 'e',
        destination: `q${i}`,
        destinationType: 'queue',
        routingKey: `k${i}`,
        arguments: {},
      });
    }
    const byType = new Map(kinds.standardKinds.map((kind) => [kind.type, kind]));
    const finder = new RouteFinder(new BindingCache(topology, byType, Date.now), false);
    const key = `k${bindings >> 1}`;
    finder.find('e', key, {});
    if (finder.find('e', key, {}).destinations.length !== 1) throw new Error('the route is not found');
    list.push({
      group: 'route of a message, remembered',
      name: `${bindings.toLocaleString('en')} bindings`,
      run: loop(() => finder.find('e', key, {})),
    });
  }

  for (const kind of [kinds.directKind, kinds.headersKind]) {
    for (const bindings of [1, 100, 10_000]) {
      const router = kind.compile(
        Array.from({ length: bindings }, (_, i) => ({
          exchange: 'e',
          destination: `q${i}`,
          destinationType: 'queue',
          routingKey: `k${i}`,
          arguments: kind.type === 'headers' ? { 'x-match': 'all', shard: i } : {},
        })),
      );
      const found = new Set();
      const key = `k${bindings >> 1}`;
      const headers = { shard: bindings >> 1 };
      list.push({
        group: `${kind.type} exchange`,
        name: `${bindings.toLocaleString('en')} bindings`,
        run: loop(() => {
          found.clear();
          router.route(key, headers, found);
          return found.size;
        }),
      });
    }
  }
  return list;
}

import { core, loop } from './core.js';

const WORDS = ['order', 'invoice', 'user', 'payment', 'stock', 'mail', 'audit', 'report'];
const word = (i) => WORDS[i % WORDS.length];

/** Patterns of four words, a third of them with `*` and a third with `#`. */
function patterns(count) {
  return Array.from({ length: count }, (_, i) => {
    const third = i % 3 === 1 ? '*' : word(i >> 2);
    const last = i % 3 === 2 ? '#' : `n${i}`;
    return {
      exchange: 'e',
      destination: `q${i}`,
      destinationType: 'queue',
      routingKey: `eu.${word(i)}.${third}.${last}`,
      arguments: {},
    };
  });
}

/** The topic trie, by the number of patterns: keys it has seen, and keys that are new each time. */
export default async function cases() {
  const { compileTopics } = await core('virtual/topic-trie.js');
  const list = [];
  for (const fresh of [false, true]) {
    for (const count of [1, 100, 10_000]) {
      const router = compileTopics(patterns(count));
      const found = new Set();
      list.push({
        group: fresh ? 'topic exchange, new keys' : 'topic exchange, known keys',
        name: `${count.toLocaleString('en')} patterns`,
        run: loop((i) => {
          found.clear();
          router.route(fresh ? `eu.order.stock.x${i}` : 'eu.order.stock.n0', {}, found);
          return found.size;
        }),
      });
    }
  }
  return list;
}

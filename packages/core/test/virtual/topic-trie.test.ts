import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { topicPattern } from '../../src/virtual/topic-pattern.js';
import { compileTopics } from '../../src/virtual/topic-trie.js';
import type { BindingRecord } from '../../src/virtual/topology-store.js';

function binding(routingKey: string): BindingRecord {
  return { exchange: 'x', destination: routingKey, destinationType: 'queue', routingKey, arguments: {} };
}

function matches(patterns: readonly string[], key: string): string[] {
  const found = new Set<BindingRecord>();
  compileTopics(patterns.map(binding)).route(key, {}, found);
  return [...found].map((one) => one.routingKey).sort();
}

/** AMQP's definition, word by word, with backtracking. */
function naive(pattern: readonly string[], words: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return words.length === 0;
  if (first === '#') return naive(rest, words) || (words.length > 0 && naive(pattern, words.slice(1)));
  const [word, ...others] = words;
  return word !== undefined && (first === '*' || first === word) && naive(rest, others);
}

const split = (text: string): string[] => (text === '' ? [] : text.split('.'));

describe('topic routing', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['*', '', false],
    ['#', '', true],
    ['#', 'a.b.c', true],
    ['', '', true],
    ['', 'a', false],
    ['stock.#', 'stock', true],
    ['stock.#', 'stock.us.nasdaq', true],
    ['stock.*', 'stock.us.nasdaq', false],
    ['stock.*', 'stock', false],
    ['stock.*', 'stock.', true],
    ['*.stock.#', 'usd.stock', true],
    ['*.stock.#', 'eur.stock.db', true],
    ['*.stock.#', 'stock.nasdaq', false],
    ['a.*.c', 'a.b.x.c', false],
    ['#.b', 'b', true],
    ['#.a.#', 'x.a.y.z', true],
    ['#.#', '', true],
    ['a.#.#.b', 'a.b', true],
    ['#.*', '', false],
    ['#.*', 'a', true],
    ['a*', 'ab', false],
    ['a*', 'a*', true],
  ])('%j %j: %s', (pattern, key, expected) => {
    expect(matches([pattern], key)).toEqual(expected ? [pattern] : []);
  });

  it('agrees with the definition for any patterns and keys', () => {
    const word = fc.constantFrom('a', 'b', 'c', '', '*', '#');
    const patterns = fc.array(fc.array(word, { maxLength: 5 }), { minLength: 1, maxLength: 8 });
    const keys = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 6 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(patterns, keys, (many, some) => {
        const texts = [...new Set(many.map((words) => words.join('.')))];
        const router = compileTopics(texts.map(binding), 4);
        // Twice, so that what was remembered is looked at too.
        for (const words of [...some, ...some]) {
          const key = words.join('.');
          const found = new Set<BindingRecord>();
          router.route(key, {}, found);
          const expected = texts.filter((text) => naive(split(text), split(key))).sort();
          expect([...found].map((one) => one.routingKey).sort()).toEqual(expected);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('takes time by the words of a key, not by the ways to match it', () => {
    const patterns = Array.from({ length: 200 }, (_, i) => `${'#.a.'.repeat(12)}#.${i}`);
    const router = compileTopics(patterns.map(binding));
    const key = Array.from({ length: 200 }, () => 'a').join('.');
    const begun = performance.now();
    const found = new Set<BindingRecord>();
    router.route(`${key}.7`, {}, found);
    expect([...found].map((one) => one.routingKey)).toEqual([patterns[7]]);
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

describe('the pattern that Python is given', () => {
  it('says the same as the trie', () => {
    const pattern = fc.array(fc.constantFrom('a', 'b', '', '*', '#', 'a-b_c', 'x@y', '日本', 'a*', '#b'), {
      maxLength: 5,
    });
    const key = fc.array(fc.constantFrom('a', 'b', '', 'a-b_c', 'x@y', '日本', 'a*', '#b', 'axb'), { maxLength: 6 });
    fc.assert(
      fc.property(pattern, key, (patternWords, keyWords) => {
        const [binding, routingKey] = [patternWords.join('.'), keyWords.join('.')];
        expect(new RegExp(topicPattern(binding), 's').test(routingKey)).toBe(naive(split(binding), split(routingKey)));
      }),
      { numRuns: 5000 },
    );
  });

  it('escapes as Python does', () => {
    expect(topicPattern('celery')).toBe('^celery$');
    expect(topicPattern('a-b_c.x')).toBe('^a\\-b\\_c\\.x$');
    expect(topicPattern('x@y.z:1')).toBe('^x\\@y\\.z\\:1$');
    expect(topicPattern('#')).toBe('^.*?$');
    expect(topicPattern('')).toBe('^$');
    expect(topicPattern('a\0')).toBe('^a\\000$');
  });
});

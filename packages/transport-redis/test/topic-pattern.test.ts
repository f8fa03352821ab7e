import { describe, expect, it } from '@jest/globals';
import { directKind, topicKind } from '@kombu/core/virtual';
import fc from 'fast-check';
import { topicPattern } from '../src/topic-pattern.js';

describe('the pattern that is stored for Python', () => {
  it('is as Python writes it where that is right', () => {
    expect(topicPattern('celery')).toBe('^celery$');
    expect(topicPattern('a-b_c.x')).toBe('^a\\-b\\_c\\.x$');
    expect(topicPattern('x@y.z:1')).toBe('^x\\@y\\.z\\:1$');
    expect(topicPattern('#')).toBe('^.*?$');
    expect(topicPattern('')).toBe('^$');
  });

  it('matches what AMQP matches', () => {
    const word = fc.constantFrom('a', 'b', '*', '#', '', 'a*', '$.', 'é', '-');
    const key = fc.array(word, { maxLength: 5 }).map((words) => words.join('.'));
    fc.assert(
      fc.property(key, key, (pattern, routingKey) => {
        const binding = {
          exchange: 'x',
          destination: 'q',
          destinationType: 'queue' as const,
          routingKey: pattern,
          arguments: {},
        };
        const found = new Set<typeof binding>();
        topicKind.compile([binding]).route(routingKey, {}, found as never);
        expect(new RegExp(topicPattern(pattern)).test(routingKey)).toBe(found.size === 1);
      }),
      { numRuns: 20_000 },
    );
    expect(directKind.type).toBe('direct');
  });
});

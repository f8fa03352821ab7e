import { describe, expect, it } from '@jest/globals';
import { withoutProperties } from '../../src/virtual/index.js';

const without = (text: string): string => withoutProperties(text, ['x', 'y']);

describe('an envelope without some of its properties', () => {
  it('keeps everything else', () => {
    const text =
      '{"body":"x","headers":{"x":1152921504606846977,"__proto__":{"y":1}},"properties":{"x":{"a":1},"z":2}}';
    const left = '{"body":"x","headers":{"x":1152921504606846977,"__proto__":{"y":1}},"properties":{"z":2}}';
    expect(without(text)).toBe(left);
    expect(without(left)).toBe(left);
  });

  it.each([
    'plain',
    '',
    'null',
    '7',
    '"text"',
    '[{"properties":{"x":1}}]',
    '{"x":1}',
    '{"properties":null}',
    '{"properties":"x"}',
    '{"properties":{"x":{"__type__":"nobody knows","__value__":1}}}',
  ])('that is none, or none that can be read, stays as it is: %s', (text) => {
    expect(without(text)).toBe(text);
  });
});

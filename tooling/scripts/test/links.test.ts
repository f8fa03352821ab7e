import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { deadLinks } from '../checks/links.js';

describe('the check of links', () => {
  it('finds relative links that lead nowhere, outside of code', () => {
    const text = [
      '[a](links.test.ts) [b](./no-such.md) [c](https://example.org/x) [d](#part) [e](links.test.ts#part)',
      '`[f](no.md)` ',
      '```md\n[g](no.md)\n```',
      '[h](../gone/)',
    ].join('\n');
    expect(deadLinks(path.join(import.meta.dirname, 'page.md'), text)).toEqual(['./no-such.md', '../gone/']);
  });
});

import { describe, expect, it } from '@jest/globals';
import { TagSource } from '../../src/virtual/tag-source.js';

describe('delivery tags', () => {
  it('are UUIDv4 and never the same, over many blocks and sources', () => {
    const seen = new Set<string>();
    for (let s = 0; s < 20; s++) {
      const source = new TagSource();
      for (let i = 0; i < 1000; i++) {
        const tag = source.next();
        expect(tag).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        seen.add(tag);
      }
    }
    expect(seen.size).toBe(20_000);
  });
});

import { describe, expect, it } from '@jest/globals';
import { foreignOrder, type MessageName, NameGiver, parseName } from '../src/message-name.js';

const plain: MessageName = { priority: 0, bytes: 0, expiresAt: undefined, redelivered: false };

describe('names of messages', () => {
  it('say what their messages are', () => {
    const names = new NameGiver();
    names.at(4711);
    for (const message of [
      plain,
      { priority: 9, bytes: 393_000, expiresAt: 1_790_000_000_123, redelivered: true },
      { priority: 3, bytes: 1, expiresAt: 1, redelivered: false },
    ]) {
      expect(parseName(names.give(message))).toEqual(message);
    }
  });

  it('sort by priority, then by the index of the store, then in the order in which they were given', () => {
    const names = new NameGiver();
    const given = [];
    for (const index of [1, 9, 10, 999, 1000, 123_456_789]) {
      names.at(index);
      for (let i = 0; i < 20; i++) given.push(names.give(plain));
    }
    expect([...given].sort()).toEqual(given);
    const high = names.give({ ...plain, priority: 9 });
    expect([high, given[0] ?? ''].sort()[0]).toBe(high);
  });

  it('go on in their order when the index of the store goes back, and when there are very many at one index', () => {
    const names = new NameGiver();
    names.at(1000);
    const before = names.give(plain);
    names.at(3);
    const after = names.give(plain);
    expect(after > before).toBe(true);
    let last = after;
    for (let i = 0; i < 1_000_010; i++) {
      const next = names.give(plain);
      if (next <= last) throw new Error(`${next} comes before ${last}`);
      last = next;
    }
    expect(parseName(last)).toEqual(plain);
  });

  it('are told from those of Python, which go by their number', () => {
    const python = ['1000_b', '999_a', '1000_a', 'none', '42_z'];
    for (const name of python) expect(parseName(name)).toBeUndefined();
    expect(python.slice(0, 3).sort(foreignOrder)).toEqual(['999_a', '1000_a', '1000_b']);
  });
});

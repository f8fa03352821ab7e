import { describe, expect, it } from '@jest/globals';
import { type Linked, LinkedList } from '../../src/util/linked-list.js';

class Item implements Linked<Item> {
  readonly name: string;
  previous: Item | undefined = undefined;
  next: Item | undefined = undefined;
  constructor(name: string) {
    this.name = name;
  }
}

describe('a linked list', () => {
  it('keeps the order whatever is taken out, and lets go of what was', () => {
    const list = new LinkedList<Item>();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => new Item(name)) as [Item, Item, Item, Item];
    for (const item of [a, b, c, d]) list.push(item);
    const names = () => list.toArray().map(({ name }) => name);
    list.remove(b);
    expect(names()).toEqual(['a', 'c', 'd']);
    list.remove(a);
    list.remove(d);
    expect(names()).toEqual(['c']);
    list.push(a);
    expect([names(), list.size]).toEqual([['c', 'a'], 2]);
    list.remove(c);
    list.remove(a);
    expect([names(), list.size]).toEqual([[], 0]);
    expect([b.next, b.previous, d.previous]).toEqual([undefined, undefined, undefined]);
  });
});

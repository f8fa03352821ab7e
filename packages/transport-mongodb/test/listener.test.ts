import { describe, expect, it } from '@jest/globals';
import { Listener } from '../src/listener.js';

function make(start: string) {
  const got: string[] = [];
  const listener = new Listener({ exchange: 'x', queue: 'q' }, (payload) => got.push(payload), start);
  const hear = (...ids: string[]) => {
    for (const id of ids) listener.hear({ id, payload: id });
  };
  return { got, listener, hear };
}

describe('a subscription to fanout messages', () => {
  it('begins after the newest document, which may come before or after it is known', () => {
    const late = make('a');
    late.hear('b');
    late.listener.begin('c');
    late.hear('c', 'd');
    expect(late.got).toEqual(['d']);
    const early = make('a');
    early.hear('b', 'c', 'd');
    early.listener.begin('c');
    early.hear('e');
    expect(early.got).toEqual(['d', 'e']);
  });

  it('gets everything when nothing was there, or when nothing has come since', () => {
    for (const [start, newest] of [
      ['', ''],
      ['a', 'a'],
      ['a', ''],
    ] as const) {
      const { got, listener, hear } = make(start);
      hear('b');
      listener.begin(newest);
      hear('c');
      expect(got).toEqual(['b', 'c']);
    }
  });

  it('goes on with what is left when the document that it begins after was overwritten', () => {
    const { got, listener, hear } = make('a');
    listener.begin('gone');
    listener.reopened();
    listener.missed(new Set(['m', 'n']));
    hear('m', 'n');
    expect(got).toEqual(['m', 'n']);
  });

  it('still waits for a document that is there, or that was stored while the collection was read anew', () => {
    const there = make('a');
    there.listener.begin('n');
    there.listener.reopened();
    there.listener.missed(new Set(['m', 'n']));
    there.hear('m', 'n', 'o');
    expect(there.got).toEqual(['o']);
    const later = make('a');
    later.listener.reopened();
    later.listener.begin('n');
    later.listener.missed(new Set(['m']));
    later.hear('m', 'n', 'o');
    expect(later.got).toEqual(['o']);
  });

  it('hears nothing of other exchanges', () => {
    const { got, listener } = make('');
    listener.begin('');
    listener.hear({ id: 'b', payload: undefined });
    expect(got).toEqual([]);
  });
});

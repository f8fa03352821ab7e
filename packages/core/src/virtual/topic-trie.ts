import type { Headers } from '../transport/delivery.js';
import type { Router } from './exchange-kinds.js';
import type { BindingRecord } from './topology-store.js';

/** One word of a pattern. `*` and `#` are edges of their own; a `#` node stays active over any number of words. */
interface TrieNode {
  words: Map<string, TrieNode> | undefined;
  star: TrieNode | undefined;
  hash: TrieNode | undefined;
  readonly loops: boolean;
  bindings: BindingRecord[] | undefined;
}

function node(loops: boolean): TrieNode {
  return { words: undefined, star: undefined, hash: undefined, loops, bindings: undefined };
}

/** Words of a key or a pattern: split at dots; the empty text has none. */
function split(text: string): readonly string[] {
  return text === '' ? [] : text.split('.');
}

function insert(root: TrieNode, binding: BindingRecord): void {
  let at = root;
  for (const word of split(binding.routingKey)) {
    if (word === '*') {
      at.star ??= node(false);
      at = at.star;
    } else if (word === '#') {
      // '#.#' says no more than '#'
      if (!at.loops) {
        at.hash ??= node(true);
        at = at.hash;
      }
    } else {
      at.words ??= new Map();
      let next = at.words.get(word);
      if (next === undefined) {
        next = node(false);
        at.words.set(word, next);
      }
      at = next;
    }
  }
  at.bindings ??= [];
  at.bindings.push(binding);
}

/** Makes a node active, and the `#` after it, which takes no word at all just as well. */
function activate(set: Set<TrieNode>, entered: TrieNode): void {
  set.add(entered);
  if (entered.hash !== undefined) set.add(entered.hash);
}

/** All bindings that take the key: a set of active nodes is carried over the words, so the cost is words times nodes. */
function match(root: TrieNode, key: string): readonly BindingRecord[] {
  let active = new Set<TrieNode>();
  activate(active, root);
  for (const word of split(key)) {
    const next = new Set<TrieNode>();
    for (const at of active) {
      const literal = at.words?.get(word);
      if (literal !== undefined) activate(next, literal);
      if (at.star !== undefined) activate(next, at.star);
      if (at.loops) next.add(at);
    }
    if (next.size === 0) return [];
    active = next;
  }
  const found: BindingRecord[] = [];
  for (const at of active) if (at.bindings !== undefined) found.push(...at.bindings);
  return found;
}

/**
 * Routes by AMQP's topic rules: words between dots, `*` is exactly one word, `#` is zero or more. What a key matched is
 * remembered for the last `cacheSize` keys (default 1000).
 */
export function compileTopics(bindings: readonly BindingRecord[], cacheSize = 1000): Router {
  const root = node(false);
  for (const binding of bindings) insert(root, binding);
  let recent = new Map<string, readonly BindingRecord[]>();
  let older = new Map<string, readonly BindingRecord[]>();

  const lookup = (key: string): readonly BindingRecord[] => {
    let found = recent.get(key);
    if (found !== undefined) return found;
    found = older.get(key) ?? match(root, key);
    if (recent.size >= cacheSize / 2) {
      older = recent;
      recent = new Map();
    }
    recent.set(key, found);
    return found;
  };

  return {
    route(routingKey: string, _headers: Headers, found: Set<BindingRecord>) {
      for (const binding of lookup(routingKey)) found.add(binding);
    },
  };
}

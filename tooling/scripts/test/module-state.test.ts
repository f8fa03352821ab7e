import { describe, expect, it } from '@jest/globals';
import ts from 'typescript-js';
import { stateOf } from '../checks/module-state.js';

function found(text: string): string[] {
  const source = ts.createSourceFile('a.ts', text, ts.ScriptTarget.Latest, true);
  return stateOf(source).map(({ what }: { what: string }) => what);
}

describe('the check for state of modules', () => {
  it.each([
    ['let a = 1;', 'a can be assigned to'],
    ['export var a = 1;', 'a can be assigned to'],
    ['const a = new Map();', 'a can be changed'],
    ['const a: string[] = [];', 'a can be changed'],
    ['const a = {};', 'a can be changed'],
    ['const a = new Set([1]); a.add(2);', 'a can be changed'],
    ['export const a = new Set([1]);', 'a can be changed'],
    ['class A { static count = 0 }', 'static count can be changed'],
    ['class A { static readonly all = new Map() }', 'static all can be changed'],
    ['await import("x");', 'waits at the top level'],
    ['if (true) { await x; }', 'waits at the top level'],
    ['for await (const a of b) {}', 'waits at the top level'],
  ])('finds %s', (text, what) => {
    expect(found(text)).toEqual([what]);
  });

  it.each([
    'const a = 1;',
    'const a = new Set([1]); a.has(1);',
    'export const a: ReadonlySet<number> = new Set([1]);',
    'export const a: readonly string[] = [];',
    'const a = { b: 1 };',
    'const a = new Thing();',
    'class A { static readonly name = "a"; #b = new Map(); static make() { let c = 1; return c; } }',
    'async function f() { await x; }',
    'export const f = async () => { await x; };',
  ])('lets %s be', (text) => {
    expect(found(text)).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exportsOf, openDeclarations } from '../lib/declarations.js';

const DECLARATIONS = `
/** A thing. */
export declare class Thing {
  #private;
  /** What it is called. */
  readonly name: string;
  go(): void;
  on(event: string): this;
  [Symbol.asyncDispose](): Promise<void>;
}
export interface Bare { a: number }
/** Documented. */
export declare const one: 1;
export type { Named as Alias };
/** Under another name. */
interface Named { b: string }
`;

describe('the exports of declarations', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kombu-api-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('are told by name, with what lacks a documentation comment', () => {
    const file = path.join(folder, 'index.d.ts');
    writeFileSync(file, DECLARATIONS);
    const { program, checker } = openDeclarations([file]);
    const found = exportsOf(checker, program.getSourceFile(file));
    const names = found.map(({ name, undocumented }: { name: string; undocumented: string[] }) => [name, undocumented]);
    expect(names).toEqual([
      ['Alias', []],
      ['Bare', ['Bare']],
      ['Thing', ['Thing.go']],
      ['one', []],
    ]);
  });
});

import { readFileSync } from 'node:fs';
import ts from 'typescript-js';

/** A file as a syntax tree. */
export function parse(file) {
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
}

/** `line` of a node, from 1. */
export function lineOf(node) {
  return node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line + 1;
}

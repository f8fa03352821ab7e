import path from 'node:path';
import ts from 'typescript-js';
import { filesBelow, publicPackages, shown } from '../lib/repository.js';
import { lineOf, parse } from '../lib/source.js';

/** The one file that may hold process-wide objects. */
const ALLOWED = 'packages/core/src/defaults.ts';
const COLLECTIONS = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']);
const CHANGES = /^\s*\.\s*(set|add|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill)\s*\(/;

/**
 * No state is shared by everything that loads a module: no `let` or `var` of a module, no static field that can change, no
 * collection that is not typed as read-only. And no top-level await, with which `require()` of the package would fail.
 */
export async function moduleState() {
  return publicPackages()
    .flatMap(({ folder }) => filesBelow(path.join(folder, 'src'), '.ts'))
    .filter((file) => shown(file) !== ALLOWED)
    .flatMap((file) => stateOf(parse(file)).map(({ node, what }) => `${shown(file)}:${lineOf(node)} ${what}`));
}

/** The findings in one syntax tree. */
export function stateOf(source) {
  const found = [];
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) {
      const constant = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
      for (const declaration of statement.declarationList.declarations) {
        if (!constant) found.push({ node: declaration, what: `${declaration.name.getText()} can be assigned to` });
        else if (isMutable(declaration))
          found.push({ node: declaration, what: `${declaration.name.getText()} can be changed` });
      }
    }
    if (ts.isClassDeclaration(statement)) {
      for (const member of statement.members)
        if (isMutableStatic(member))
          found.push({ node: member, what: `static ${member.name.getText()} can be changed` });
    }
    const waiting = topLevelAwait(statement);
    if (waiting) found.push({ node: waiting, what: 'waits at the top level' });
  }
  return found;
}

function isMutableStatic(member) {
  if (!ts.isPropertyDeclaration(member)) return false;
  const has = (kind) => member.modifiers?.some((modifier) => modifier.kind === kind) ?? false;
  if (!has(ts.SyntaxKind.StaticKeyword) || has(ts.SyntaxKind.DeclareKeyword)) return false;
  return !has(ts.SyntaxKind.ReadonlyKeyword) || isMutable(member);
}

/** A collection or an empty literal that its type does not protect. A table that only its own file sees, and only reads, is none. */
function isMutable(declaration) {
  const { initializer, type } = declaration;
  if (initializer === undefined) return false;
  if (type !== undefined && /^(Readonly|readonly )/.test(type.getText())) return false;
  if (ts.isNewExpression(initializer)) {
    if (!COLLECTIONS.has(initializer.expression.getText())) return false;
    return !initializer.arguments?.length || isExported(declaration) || isChanged(declaration);
  }
  if (ts.isArrayLiteralExpression(initializer)) return initializer.elements.length === 0;
  return ts.isObjectLiteralExpression(initializer) && initializer.properties.length === 0;
}

function isExported(declaration) {
  const modifiers = declaration.parent?.parent?.modifiers ?? [];
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword);
}

function isChanged(declaration) {
  const text = declaration.getSourceFile().text;
  const name = declaration.name.getText();
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (CHANGES.test(text.slice(at + name.length))) return true;
  }
  return false;
}

function topLevelAwait(node) {
  if (ts.isFunctionLike(node) || ts.isClassLike(node)) return undefined;
  if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) return node;
  return ts.forEachChild(node, topLevelAwait);
}

import path from 'node:path';
import ts from 'typescript-js';
import { publicPackages, ROOT, shown } from './repository.js';

/** Every entry point with types: `{ specifier, folder, types, report }`. */
export function entryPoints() {
  return publicPackages().flatMap(({ name, folder, manifest }) =>
    Object.entries(manifest.exports)
      .filter(([, target]) => typeof target === 'object' && target.types)
      .map(([entry, target]) => {
        const rest = entry.slice(2);
        const base = name.replace('@kombu/', '');
        return {
          specifier: rest === '' ? name : `${name}/${rest}`,
          folder,
          types: path.join(folder, target.types),
          report: `${rest === '' ? base : `${base}-${rest}`}.api.md`,
        };
      }),
  );
}

export function openDeclarations(files) {
  const program = ts.createProgram(files, {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    typeRoots: [path.join(ROOT, 'node_modules', '@types')],
  });
  return { program, checker: program.getTypeChecker() };
}

/** What a module exports, by name: its declarations without comments, and which of its names have no documentation comment. */
export function exportsOf(checker, source) {
  const module = checker.getSymbolAtLocation(source);
  if (module === undefined) return [];
  return checker
    .getExportsOfModule(module)
    .map((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const declarations = symbol.declarations ?? [];
      const own = declarations.filter((d) => shown(d.getSourceFile().fileName).startsWith('packages'));
      return {
        name: exported.name,
        text: own.map(textOf).join('\n') || `// not ours: ${exported.name}`,
        undocumented: undocumentedOf(checker, exported.name, symbol),
        where: declarations[0] ? shown(declarations[0].getSourceFile().fileName) : 'nowhere',
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const MEMBERS = ts.SymbolFlags.Method | ts.SymbolFlags.Property | ts.SymbolFlags.Accessor;
/** What everybody knows, and what says the same for every emitter. */
const KNOWN = new Set(['toString', 'toJSON', 'on', 'once', 'off']);

/** The name itself, and for a class its members, as far as they have no documentation comment. */
function undocumentedOf(checker, name, symbol) {
  const bare = (one) => one.declarations?.length > 0 && one.getDocumentationComment(checker).length === 0;
  const members = symbol.flags & ts.SymbolFlags.Class ? [...symbol.members.values()] : [];
  const bareMembers = members.filter(
    (one) => one.flags & MEMBERS && /^[a-z]/.test(one.name) && !KNOWN.has(one.name) && bare(one),
  );
  return [...(bare(symbol) ? [name] : []), ...bareMembers.map((one) => `${name}.${one.name}`)];
}

const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });

function textOf(declaration) {
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return printer
    .printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile())
    .replace(/^export /, '')
    .replace(/^(declare|default) /, '');
}

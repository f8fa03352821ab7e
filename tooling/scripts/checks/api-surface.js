import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { entryPoints, exportsOf, openDeclarations } from '../lib/declarations.js';
import { shown } from '../lib/repository.js';

/**
 * The public names of every entry point, from the built declarations: each has a documentation comment, and together they are
 * what the API report in `etc/` of the package says. A change of the API is a change of that file, for everybody to see.
 */
export async function apiSurface({ update }) {
  const entries = entryPoints();
  const { program, checker } = openDeclarations(entries.map(({ types }) => types));
  return entries.flatMap((entry) => {
    const source = program.getSourceFile(entry.types);
    if (source === undefined) return [`${entry.specifier}: ${shown(entry.types)} is missing`];
    const names = exportsOf(checker, source);
    const undocumented = names.flatMap((one) =>
      one.undocumented.map((name) => `${entry.specifier}: ${name} has no documentation comment (${one.where})`),
    );
    return [...undocumented, ...compareReport(entry, reportOf(entry.specifier, names), update)];
  });
}

function reportOf(specifier, names) {
  const parts = names.map(({ name, text }) => `### ${name}\n\n\`\`\`ts\n${text}\n\`\`\`\n`);
  return `# API of ${specifier}\n\nMade by \`pnpm check api --update\` from the built declarations; reviewed like code.\n\n${parts.join('\n')}`;
}

function compareReport({ folder, report }, text, update) {
  const file = path.join(folder, 'etc', report);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (before === text) return [];
  if (update) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return [];
  }
  const old = new Set(before.split('\n'));
  const now = new Set(text.split('\n'));
  const difference = [
    ...[...old].filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
  const some = difference.slice(0, 20).join('\n');
  return [`${shown(file)} is out of date; \`pnpm check api --update\` writes it again\n${some}`];
}

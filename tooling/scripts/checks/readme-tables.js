import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, shown } from '../lib/repository.js';
import {
  capabilitiesTable,
  optionsTable,
  replaceSection,
  transportsTable,
  unknownCapabilities,
} from '../lib/tables.js';
import { loadTransports } from '../lib/transports.js';

/**
 * The tables of options and guarantees in the READMEs are those that the transports have themselves, between
 * `<!-- options -->`, `<!-- capabilities -->` and their ends; the comparison in the README of the repository likewise.
 */
export async function readmeTables({ update }) {
  const transports = await loadTransports();
  const problems = transports.flatMap(({ transport }) =>
    unknownCapabilities(transport).map(
      (name) => `${transport.name}: capability ${name} has no line in tooling/scripts/lib/tables.js`,
    ),
  );
  if (problems.length > 0) return problems;
  for (const { transport, name, folder } of transports) {
    if (name === '@kombu/core') continue;
    problems.push(
      ...apply(path.join(folder, 'README.md'), update, {
        options: optionsTable(transport),
        capabilities: capabilitiesTable(transport),
      }),
    );
  }
  const rows = transports.map(({ transport, folder }) => ({
    transport,
    link: `[${transport.name}](${shown(folder)})`,
  }));
  return [...problems, ...apply(path.join(ROOT, 'README.md'), update, { transports: transportsTable(rows) })];
}

function apply(file, update, sections) {
  if (!existsSync(file)) return [`${shown(file)} is missing`];
  const before = readFileSync(file, 'utf8');
  let text = before;
  const problems = [];
  for (const [name, content] of Object.entries(sections)) {
    const replaced = replaceSection(text, name, content);
    if (replaced === undefined)
      problems.push(`${shown(file)} has no place for its table: <!-- ${name} --> <!-- /${name} -->`);
    else text = replaced;
  }
  if (text !== before) {
    if (update) writeFileSync(file, text);
    else problems.push(`${shown(file)}: its tables are out of date; \`pnpm check tables --update\` writes them again`);
  }
  return problems;
}

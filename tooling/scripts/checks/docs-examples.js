import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { docBlocks, overMemory } from '../lib/doc-blocks.js';
import { filesBelow, publicPackages, ROOT, shown } from '../lib/repository.js';
import { run } from '../lib/run.js';

/** Inside of this package, so that the examples find what it depends on: core and the transports, built. */
const OUT = path.join(import.meta.dirname, '..', '.cache', 'docs');
const TSC = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const RUN_MS = 30_000;

const TSCONFIG = {
  extends: path.join(ROOT, 'tsconfig.base.json'),
  compilerOptions: {
    outDir: 'js',
    rootDir: '.',
    declaration: false,
    declarationMap: false,
    sourceMap: false,
    typeRoots: [path.join(ROOT, 'node_modules', '@types')],
  },
  include: ['*.ts'],
};

/**
 * Every `ts` block of the READMEs and of docs/ compiles, strictly, and runs to its end, with memory:// in place of the broker
 * that it names. A block whose first line is `// @no-run: REASON` is compiled only.
 */
export async function docsExamples() {
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  try {
    return await examineAll();
  } finally {
    rmSync(OUT, { recursive: true, force: true });
  }
}

async function examineAll() {
  const pages = [
    path.join(ROOT, 'README.md'),
    ...publicPackages().map(({ folder }) => path.join(folder, 'README.md')),
    ...filesBelow(path.join(ROOT, 'docs'), '.md'),
  ];
  const examples = pages.filter(existsSync).flatMap((page) =>
    docBlocks(page).map((block) => {
      const where = `${shown(page)}:${block.line}`;
      return { ...block, where, name: where.replace(/[^a-z0-9]+/gi, '_') };
    }),
  );
  for (const { name, code } of examples)
    writeFileSync(path.join(OUT, `${name}.ts`), `${overMemory(code)}\nexport {};\n`);
  writeFileSync(path.join(OUT, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(path.join(OUT, 'tsconfig.json'), JSON.stringify(TSCONFIG));

  const problems = [];
  const { code, output } = await run(process.execPath, [TSC, '-p', OUT, '--pretty', 'false'], {
    quiet: true,
    cwd: OUT,
  });
  if (code !== 0) problems.push(namePlaces(output, examples));
  for (const example of examples.filter(({ noRun }) => noRun === undefined)) {
    if (output.includes(`${example.name}.ts`)) continue;
    problems.push(...(await runOne(example)));
  }
  return problems;
}

async function runOne({ name, where }) {
  const file = path.join(OUT, 'js', `${name}.js`);
  const { code, output, timedOut } = await run(process.execPath, [file], { quiet: true, timeoutMs: RUN_MS, cwd: OUT });
  if (timedOut) return [`${where} did not end within ${RUN_MS} ms: does it close what it opens?\n${output}`];
  return code === 0 ? [] : [`${where} ended with code ${code}\n${output}`];
}

/** Compiler messages with the page in place of the file made of it. */
function namePlaces(output, examples) {
  return examples.reduce(
    (text, { name, where }) => text.replaceAll(new RegExp(`\\b${name}\\.ts\\((\\d+),`, 'g'), `${where} + line $1 (`),
    output,
  );
}

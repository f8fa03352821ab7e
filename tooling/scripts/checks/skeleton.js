import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow, publicPackages, ROOT, readJson, shown } from '../lib/repository.js';

/** What may stand at the top of the repository, beside dot-files and dot-folders. */
const TOP = new Set([
  'packages',
  'tooling',
  'docs',
  'node_modules',
  'pnpm-workspace.yaml',
  'pnpm-lock.yaml',
  'turbo.json',
  'package.json',
  'tsconfig.base.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'bench-results', // what `npm run bench` writes; not under version control
]);
const FILES = [
  'package.json',
  'README.md',
  'LICENSE',
  'tsconfig.json',
  'jest.config.js',
  'src/index.ts',
  'test/tsconfig.json',
];
const SHORT = ['tsconfig.json', 'jest.config.js', 'test/tsconfig.json'];
const SHORT_LINES = 12;
const PEER_RANGE = '>=0.1.0 <1.0.0';

/** Every package looks like the others, and the top of the repository like what the documentation says. */
export async function skeleton() {
  return repositoryProblems(ROOT);
}

export function repositoryProblems(root) {
  const strangers = readdirSync(root)
    .filter((name) => !name.startsWith('.') && !TOP.has(name))
    .map((name) => `${name} does not belong at the top of the repository`);
  const licence = readFileSync(path.join(root, 'LICENSE'), 'utf8');
  return [...strangers, ...publicPackages(root).flatMap((one) => packageProblems(one, licence, root))];
}

function packageProblems({ folder, manifest }, licence, root) {
  const at = shown(folder, root);
  const file = (name) => path.join(folder, name);
  const problems = FILES.filter((name) => !existsSync(file(name))).map((name) => `${at}: ${name} is missing`);
  const say = (bad, text) => {
    if (bad) problems.push(`${at}: ${text}`);
  };
  for (const name of SHORT) {
    if (!existsSync(file(name))) continue;
    const lines = readFileSync(file(name), 'utf8').trimEnd().split('\n').length;
    say(lines > SHORT_LINES, `${name} has ${lines} lines; what packages share belongs into the shared configuration`);
  }
  say(
    existsSync(file('LICENSE')) && readFileSync(file('LICENSE'), 'utf8') !== licence,
    'LICENSE differs from that of the repository',
  );
  say(
    !existsSync(path.join(folder, 'test')) || filesBelow(path.join(folder, 'test'), '.test.ts').length === 0,
    'it has no tests',
  );

  say(manifest.type !== 'module', 'type is not module');
  say(manifest.license !== 'BSD-3-Clause', 'license is not BSD-3-Clause');
  say(
    manifest.engines?.node !== readJson(path.join(root, 'package.json')).engines.node,
    'engines.node differs from that of the repository',
  );
  say(manifest.publishConfig?.access !== 'public', 'publishConfig.access is not public');
  say(manifest.sideEffects !== false, 'sideEffects is not false');
  say(!manifest.description, 'it has no description');
  for (const name of ['dist', 'README.md', 'LICENSE']) say(!manifest.files?.includes(name), `files lacks ${name}`);
  for (const [entry, target] of Object.entries(manifest.exports ?? {})) {
    say(entry.includes('*'), `exports has a wildcard: ${entry}`);
    say(typeof target === 'object' && Object.keys(target)[0] !== 'types', `exports ${entry}: types do not come first`);
  }
  for (const script of ['build', 'typecheck', 'test']) say(!manifest.scripts?.[script], `there is no script ${script}`);
  problems.push(...dependencyProblems(manifest).map((text) => `${at}: ${text}`));
  return problems;
}

function dependencyProblems({
  name,
  dependencies = {},
  devDependencies = {},
  peerDependencies = {},
  peerDependenciesMeta = {},
}) {
  const problems = [];
  for (const [dependency, range] of Object.entries(devDependencies)) {
    if (!/^\d|^workspace:|^npm:/.test(range))
      problems.push(`devDependency ${dependency} is not an exact version: ${range}`);
  }
  for (const dependency of Object.keys(dependencies)) {
    if (dependency.startsWith('@kombu/')) problems.push(`${dependency} must be a peer dependency`);
  }
  if (name === '@kombu/core') {
    for (const peer of Object.keys(peerDependencies)) {
      if (!peerDependenciesMeta[peer]?.optional) problems.push(`peer ${peer} is not optional`);
    }
  } else if (peerDependencies['@kombu/core']?.replace('workspace:', '') !== PEER_RANGE) {
    problems.push(`the peer range of @kombu/core is not ${PEER_RANGE}`);
  }
  return problems;
}

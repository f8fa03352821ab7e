// Makes a fresh clone ready: installs the dependencies with the pinned pnpm, then builds. Plain Node, since nothing is
// installed when it runs. What is up to date is skipped.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { dependenciesFingerprint, sourcesFingerprint, stamp } from './lib/fingerprint.js';
import { pinnedPnpm, pnpm } from './lib/pnpm.js';
import { ROOT, workspaceFolders } from './lib/repository.js';

const OLDEST = [20, 19];

/** Exits with a message where Node is too old to go on. */
export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  process.stderr.write(`Node.js ${OLDEST.join('.')} or newer is needed; this is ${version}.\n`);
  process.exit(1);
}

async function step(title, done, act) {
  if (done) return;
  process.stderr.write(`> ${title}\n`);
  const from = performance.now();
  const { code } = await act();
  if (code !== 0) throw new Error(`failed: ${title}`);
  process.stderr.write(`  done in ${((performance.now() - from) / 1000).toFixed(1)} s\n`);
}

export async function install() {
  const stamped = stamp('install');
  const wanted = dependenciesFingerprint();
  const installed = existsSync(path.join(ROOT, 'node_modules', '.modules.yaml')) && stamped.matches(wanted);
  await step(`installing dependencies with ${pinnedPnpm()}`, installed, () => pnpm(['install', '--frozen-lockfile']));
  stamped.set(wanted);
}

export async function build() {
  const stamped = stamp('build');
  const wanted = sourcesFingerprint();
  const built = workspaceFolders(ROOT, ['packages']).every((folder) => existsSync(path.join(folder, 'dist')));
  const turbo = ['exec', 'turbo', 'run', 'build', '--output-logs=errors-only', '--log-prefix=none'];
  await step('building', built && stamped.matches(wanted), () => pnpm(turbo));
  stamped.set(wanted);
}

/** Installs and builds; exits with the reason where that fails. */
export async function setup() {
  requireNode();
  try {
    await install();
    await build();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await setup();

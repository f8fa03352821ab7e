import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { lock, recentFailure } from './apt.js';
import { cacheFolder } from './cache.js';
import { lastLine, run } from './run.js';
import { which } from './which.js';

/** The last version that stores in SQLite, so that it is one program and nothing else. */
export const FERRETDB = '1.24.0';
const MODULE = 'github.com/FerretDB/FerretDB';
const BUILD_MS = 10 * 60_000;
/** How often a build says that it is still going on. */
const PROGRESS_MS = 20_000;

/**
 * FerretDB, built once from its Go module into the cache folder: one to three minutes on two cores. Resolves with the program, or
 * with why there is none.
 *
 * @returns {Promise<{ readonly program: string } | import('./types.d.ts').Unavailable>}
 */
export async function findFerretdb() {
  const onPath = which(['ferretdb']);
  if (onPath !== undefined) return { program: onPath };
  const program = path.join(cacheFolder(), `ferretdb-${FERRETDB}`);
  if (existsSync(program)) return { program };
  if (process.env.KOMBU_TEST_NO_INSTALL) return { unavailable: 'KOMBU_TEST_NO_INSTALL forbids to build FerretDB' };
  const go = which(['go'], ['/usr/local/go/bin']);
  if (go === undefined) return { unavailable: 'there is no Go to build FerretDB with' };
  const failure = `${program}.failed`;
  const unlock = await lock(`${program}.lock`);
  try {
    if (existsSync(program)) return { program };
    const before = recentFailure(failure);
    if (before !== undefined) return { unavailable: before };
    const reason = await build(go, program);
    if (reason === undefined) return { program };
    writeFileSync(failure, reason);
    return { unavailable: reason };
  } finally {
    unlock();
  }
}

/**
 * @param {string} go
 * @param {string} program
 * @returns {Promise<string | undefined>} why it could not be built
 */
async function build(go, program) {
  const folder = `${program}.${process.pid}`;
  const since = performance.now();
  const seconds = () => `${Math.round((performance.now() - since) / 1000)} s`;
  process.stderr.write(`building FerretDB ${FERRETDB}, once (one to three minutes) ...\n`);
  const progress = setInterval(() => process.stderr.write(`building FerretDB: ${seconds()} ...\n`), PROGRESS_MS);
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '', CGO_ENABLED: '0' };
  /** @param {readonly string[]} args */
  const call = (...args) => run(go, args, { cwd: folder, env, timeoutMs: BUILD_MS });
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'go.mod'), `module server\n\ngo 1.22\n`);
    const fetched = await call('mod', 'download', '-json', `${MODULE}@v${FERRETDB}`);
    if (fetched.code !== 0) return `go mod download ${MODULE}: ${lastLine(fetched.stderr || fetched.stdout)}`;
    const source = path.join(folder, 'source');
    cpSync(JSON.parse(fetched.stdout).Dir, source, { recursive: true });
    // The folders of Go's module cache are read-only.
    await run('chmod', ['-R', 'u+w', source]);
    // A release is built with this file, which the module leaves out.
    writeFileSync(path.join(source, 'build', 'version', 'version.txt'), `v${FERRETDB}\n`);
    const tags = ['-tags', 'ferretdb_no_postgresql'];
    const flags = ['-mod=mod', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', ...tags];
    writeFileSync(
      path.join(folder, 'go.mod'),
      `module server\n\ngo 1.22\n\nrequire ${MODULE} v${FERRETDB}\n\nreplace ${MODULE} => ./source\n`,
    );
    const built = await call('build', ...flags, '-o', 'ferretdb', `${MODULE}/cmd/ferretdb`);
    if (built.code !== 0) return `go build ${MODULE}: ${lastLine(built.stderr)}`;
    renameSync(path.join(folder, 'ferretdb'), program);
    process.stderr.write(`built FerretDB in ${seconds()}\n`);
    return undefined;
  } catch (error) {
    return `building FerretDB: ${/** @type {Error} */ (error).message}`;
  } finally {
    clearInterval(progress);
    rmSync(folder, { recursive: true, force: true });
  }
}

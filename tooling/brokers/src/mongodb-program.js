import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { recentFailure } from './apt.js';
import { cacheFolder } from './cache.js';
import { dockerProblem } from './docker.js';
import { findFerretdb } from './mongodb-ferretdb.js';
import { lastLine, run } from './run.js';
import { which } from './which.js';

const MONGODB = '7.0.24';
const DOWNLOAD_MS = 5 * 60_000;
const ANSWER_MS = 10_000;

/**
 * @typedef {{ readonly kind: 'mongod' | 'ferretdb', readonly program: string, readonly origin: 'path' | 'installed' }
 *   | { readonly kind: 'docker' }} Found
 */

/**
 * Finds a server: mongod on the PATH, Docker, MongoDB's own download, else FerretDB.
 *
 * @param {{ docker: boolean, mongodOnly: boolean }} o
 * @returns {Promise<Found | import('./types.d.ts').Unavailable>}
 */
export async function findMongodb({ docker, mongodOnly }) {
  const mongod = which(['mongod']);
  if (mongod !== undefined) return { kind: 'mongod', program: mongod, origin: 'path' };
  const reasons = ['mongod is not on the PATH'];
  if (docker) {
    const problem = await dockerProblem();
    if (problem === undefined) return { kind: 'docker' };
    reasons.push(problem);
  }
  const downloaded = await download();
  if ('program' in downloaded) return { kind: 'mongod', program: downloaded.program, origin: 'installed' };
  reasons.push(downloaded.unavailable);
  if (mongodOnly) return { unavailable: reasons.join('; ') };
  const ferretdb = await findFerretdb();
  if ('program' in ferretdb) return { kind: 'ferretdb', program: ferretdb.program, origin: 'installed' };
  reasons.push(ferretdb.unavailable);
  return { unavailable: reasons.join('; ') };
}

/** The name that MongoDB gives this system in its downloads; undefined: none of those that are looked for. */
function systemName() {
  if (process.platform !== 'linux' || !existsSync('/etc/os-release')) return undefined;
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (/** @type {string} */ name) => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? '';
  const [id, version] = [field('ID'), field('VERSION_ID')];
  if (id === 'debian' && Number(version) >= 12) return 'debian12';
  if (id === 'ubuntu') return version >= '24.04' ? 'ubuntu2404' : 'ubuntu2204';
  return /rhel|fedora|centos/.test(`${id} ${field('ID_LIKE')}`) ? 'rhel90' : undefined;
}

/** @returns {Promise<{ readonly program: string } | import('./types.d.ts').Unavailable>} */
async function download() {
  const program = path.join(cacheFolder(), `mongod-${MONGODB}`);
  if (existsSync(program)) return { program };
  if (process.env.KOMBU_TEST_NO_INSTALL) return { unavailable: 'KOMBU_TEST_NO_INSTALL forbids to download it' };
  const failure = `${program}.failed`;
  const before = recentFailure(failure);
  if (before !== undefined) return { unavailable: before };
  const reason = await fetchMongod(program);
  if (reason === undefined) return { program };
  writeFileSync(failure, reason);
  return { unavailable: reason };
}

/**
 * @param {string} program
 * @returns {Promise<string | undefined>} why it could not be had
 */
async function fetchMongod(program) {
  const system = systemName();
  if (system === undefined) return 'MongoDB has no download for this system';
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const name = `mongodb-linux-${machine}-${system}-${MONGODB}`;
  const url = `https://fastdl.mongodb.org/linux/${name}.tgz`;
  const folder = `${program}.${process.pid}`;
  try {
    const sum = await fetch(`${url}.sha256`, { signal: AbortSignal.timeout(ANSWER_MS) });
    if (!sum.ok) return `MongoDB's download answers ${sum.status}`;
    process.stderr.write(`downloading mongod ${MONGODB} ...\n`);
    const archive = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS) });
    if (!archive.ok) return `MongoDB's download answers ${archive.status}`;
    const bytes = Buffer.from(await archive.arrayBuffer());
    const [expected] = (await sum.text()).split(/\s/);
    if (createHash('sha256').update(bytes).digest('hex') !== expected) return "MongoDB's download is damaged";
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'mongod.tgz'), bytes);
    const unpacked = await run('tar', ['-xzf', 'mongod.tgz', '--strip-components=2', `${name}/bin/mongod`], {
      cwd: folder,
    });
    if (unpacked.code !== 0) return `unpacking mongod: ${lastLine(unpacked.stderr)}`;
    renameSync(path.join(folder, 'mongod'), program);
    return undefined;
  } catch (error) {
    const { message, cause } = /** @type {Error} */ (error);
    return `MongoDB's download cannot be reached: ${cause instanceof Error ? cause.message : message}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { lock, recentFailure } from './apt.js';
import { cacheFolder } from './cache.js';
import { lastLine, run } from './run.js';
import { which } from './which.js';

const SOURCES = '/etc/apt';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Unpacks a package of another release of Debian into the cache folder, without installing it: apt fetches it from the mirror that
 * this machine uses already, and verifies it by the archive's signature. Resolves with the folder, or with why not.
 *
 * @param {string} name
 * @param {string} suite such as `bullseye`
 * @returns {Promise<{ readonly folder: string } | { readonly reason: string }>}
 */
export async function unpackDebianPackage(name, suite) {
  const folder = path.join(cacheFolder(), `${name}-${suite}`);
  if (existsSync(folder)) return { folder };
  if (process.env.KOMBU_TEST_NO_INSTALL) return { reason: 'KOMBU_TEST_NO_INSTALL forbids to fetch it' };
  const failure = `${folder}.failed`;
  const unlock = await lock(path.join(cacheFolder(), 'apt.lock'));
  try {
    if (existsSync(folder)) return { folder };
    const before = recentFailure(failure);
    if (before !== undefined) return { reason: before };
    const reason = await fetch(name, suite, folder);
    if (reason === undefined) return { folder };
    writeFileSync(failure, reason);
    return { reason };
  } finally {
    unlock();
  }
}

/**
 * @param {string} name
 * @param {string} suite
 * @param {string} folder
 */
async function fetch(name, suite, folder) {
  const [apt, dpkg] = [which(['apt-get']), which(['dpkg'])];
  if (apt === undefined || dpkg === undefined) return 'there is no apt-get to fetch it with';
  const mirror = debianMirror();
  if (mirror === undefined) return `apt has no source of Debian in ${SOURCES}`;
  process.stderr.write(`fetching ${name} of ${suite} ...\n`);
  const work = `${folder}.work`;
  rmSync(work, { recursive: true, force: true });
  for (const sub of ['lists/partial', 'cache/archives/partial', 'root']) {
    mkdirSync(path.join(work, sub), { recursive: true });
  }
  const sources = path.join(work, 'sources.list');
  writeFileSync(sources, `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
  const settings = {
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '-',
    'Dir::State::Lists': path.join(work, 'lists'),
    'Dir::Cache': path.join(work, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  try {
    for (const words of [
      ['update', '-q'],
      ['download', name],
    ]) {
      const { code, stderr } = await run(apt, [...options, ...words], { cwd: work, timeoutMs: 5 * 60_000 });
      if (code !== 0) return `apt-get ${words.join(' ')} (${suite}): ${lastLine(stderr)}`;
    }
    const file = readdirSync(work).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) return `${suite} has no ${name}`;
    const { code, stderr } = await run(dpkg, ['-x', path.join(work, file), path.join(work, 'root')]);
    if (code !== 0) return `dpkg -x ${file}: ${lastLine(stderr)}`;
    renameSync(path.join(work, 'root'), folder);
    process.stderr.write(`fetched ${name}\n`);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The first mirror of Debian's main archive among the machine's sources. */
function debianMirror() {
  const files = [path.join(SOURCES, 'sources.list')];
  const parts = path.join(SOURCES, 'sources.list.d');
  if (existsSync(parts)) files.push(...readdirSync(parts).map((file) => path.join(parts, file)));
  for (const file of files) {
    if (!existsSync(file)) continue;
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (!/^(URIs:|deb )/.test(line)) continue;
      const url = line.split(/\s+/).find((word) => /^https?:.*\/debian\/?$/.test(word));
      if (url !== undefined) return url;
    }
  }
  return undefined;
}

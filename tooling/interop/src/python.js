import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { aptInstall, cacheFolder, isUnavailable, run, which } from '@kombu/brokers';

const PACKAGES = [
  'python3-kombu',
  'python3-redis',
  'python3-amqp',
  'python3-msgpack',
  'python3-yaml',
  'python3-brotli',
  'python3-zstandard',
];
const EXTRAS = '[redis,msgpack,yaml]';
// What Kombu uses where it is there: zstandard is that of 5.2, backports.zstd that of 5.7.
const PIP = ['brotli', 'zstandard', 'backports.zstd'];
// What SQS takes beside that. Debian's boto3 speaks a protocol that not every server speaks any more.
const SQS = ['boto3', 'pycurl', 'urllib3', 'setuptools'];
const SYSTEM = '/usr/bin/python3';
const VENV_MS = 5 * 60_000;

/** @type {typeof import('./types.d.ts').findPython} */
export async function findPython(version = '5.2', transport = undefined) {
  if (transport === 'sqs') {
    const name = version === 'latest' ? 'latest' : '5.2.4';
    return pypi(`${name}-sqs`, version === 'latest' ? 'kombu[msgpack,yaml]' : 'kombu[msgpack,yaml]==5.2.4', SQS);
  }
  if (version === 'latest') return pypi('latest', `kombu${EXTRAS}`);
  if ((await kombuOf(SYSTEM))?.startsWith('5.2.')) return { python: SYSTEM };
  const reason = await aptInstall(PACKAGES);
  if (reason === undefined && (await kombuOf(SYSTEM))?.startsWith('5.2.')) return { python: SYSTEM };
  const made = await pypi('5.2.4', `kombu${EXTRAS}==5.2.4`);
  return isUnavailable(made) && reason !== undefined ? { unavailable: `${reason}; ${made.unavailable}` } : made;
}

/**
 * Why a module cannot be imported, also after an attempt to install it; undefined where it can.
 *
 * @param {string} python
 * @param {{ readonly name: string, readonly debian: string }} module
 */
export async function missingModule(python, { name, debian }) {
  const isThere = async () => (await run(python, ['-c', `import ${name}`])).code === 0;
  if (await isThere()) return undefined;
  return (await aptInstall([debian])) ?? ((await isThere()) ? undefined : `${python} cannot import ${name}`);
}

/**
 * @param {string} python
 * @param {string} module of Kombu's transport
 */
async function kombuOf(python, module = 'redis') {
  if (!existsSync(python)) return undefined;
  const { code, stdout } = await run(python, [
    '-c',
    `import kombu, kombu.transport.${module}, amqp, msgpack, yaml; print(kombu.__version__)`,
  ]);
  return code === 0 ? stdout.trim() : undefined;
}

/**
 * An environment with Kombu from PyPI, made once in the cache folder and used again.
 *
 * @param {string} name
 * @param {string} requirement
 * @param {readonly string[]} [more] what the SQS transport takes, where it is that one
 */
async function pypi(name, requirement, more = []) {
  const folder = path.join(cacheFolder(), `python-kombu-${name}`);
  const python = path.join(folder, 'bin', 'python');
  const module = more.length > 0 ? 'SQS' : 'redis';
  if ((await kombuOf(python, module)) !== undefined) return { python };
  const base = which(['python3'], ['/usr/bin']);
  if (base === undefined) return { unavailable: 'there is no python3' };

  process.stderr.write(`making a Python environment with ${requirement} ...\n`);
  // Made beside and moved into place as a whole: another process may be making the same one.
  const draft = `${folder}.${process.pid}`;
  try {
    let made = await run(base, ['-m', 'venv', draft], { timeoutMs: VENV_MS });
    if (made.code !== 0 && (await aptInstall(['python3-venv'])) === undefined) {
      made = await run(base, ['-m', 'venv', '--clear', draft], { timeoutMs: VENV_MS });
    }
    if (made.code !== 0) return { unavailable: `python3 -m venv: ${reasonOf(made)}` };
    const pip = await run(
      path.join(draft, 'bin', 'python'),
      ['-m', 'pip', 'install', '-q', '--retries', '1', requirement, ...PIP, ...more],
      {
        timeoutMs: VENV_MS,
      },
    );
    if (pip.code !== 0) return { unavailable: `pip install ${requirement}: ${reasonOf(pip)}` };
    await rename(draft, folder).catch(() => {});
    const found = await kombuOf(python, module);
    return found === undefined ? { unavailable: `${requirement} was installed, but cannot be imported` } : { python };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** @param {{ stdout: string, stderr: string }} output */
function reasonOf({ stdout, stderr }) {
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
  return (
    lines.findLast((line) => /error|no matching|not available/i.test(line)) ??
    lines.findLast((line) => line !== '') ??
    'failed'
  );
}

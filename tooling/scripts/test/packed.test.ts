import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { packAll } from '../lib/pack.js';
import { pnpm } from '../lib/pnpm.js';
import { ROOT } from '../lib/repository.js';
import { run } from '../lib/run.js';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/overview');
const TSC = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const INSTALL_MS = 180_000;

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    types: ['node'],
    typeRoots: [path.join(ROOT, 'node_modules', '@types')],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    outDir: 'js',
    rootDir: '.',
  },
  files: ['overview.ts'],
};

let folder: string;
let packed: Awaited<ReturnType<typeof packAll>>;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kombu-packed-'));
  packed = await packAll();
}, INSTALL_MS);

afterAll(() => {
  packed?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** The transport that the app does not install, to be told so. */
const ABSENT = '@kombu/transport-sqs';

/** An app that depends on the tarballs, less one, and on nothing else. */
function makeApp(name: string): string {
  const app = path.join(folder, name);
  mkdirSync(app, { recursive: true });
  for (const file of readdirSync(FIXTURES)) cpSync(path.join(FIXTURES, file), path.join(app, file));
  const installed = packed.tarballs.filter(({ name }) => name !== ABSENT);
  const dependencies = Object.fromEntries(installed.map((one) => [one.name, `file:${one.file}`]));
  writeFileSync(
    path.join(app, 'package.json'),
    JSON.stringify({ name: 'app', private: true, type: 'module', dependencies }),
  );
  writeFileSync(path.join(app, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  return app;
}

async function node(app: string, file: string) {
  const { code, output } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
    cwd: app,
    quiet: true,
    timeoutMs: 30_000,
  });
  expect(`${code} ${output}`).toMatch(/^0 /);
  return JSON.parse(output) as Record<string, unknown>;
}

const names = ['1.avi', '2.avi', '3.avi'];

const installers: [string, (app: string) => Promise<void>][] = [
  [
    'npm',
    async (app) => {
      const npm = await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], {
        cwd: app,
        quiet: true,
      });
      expect(`${npm.code} ${npm.output}`).toMatch(/^0 /);
    },
  ],
  [
    'pnpm in a workspace that hoists nothing',
    async (app) => {
      const top = path.dirname(app);
      writeFileSync(path.join(top, 'package.json'), JSON.stringify({ name: 'top', private: true }));
      // As the README of the etcd transport says.
      const builds = 'allowBuilds:\n  protobufjs: false\n';
      writeFileSync(path.join(top, 'pnpm-workspace.yaml'), `packages: ['app']\nhoist: false\n${builds}`);
      const done = await pnpm(['install', '--prefer-offline', '--no-frozen-lockfile'], { cwd: top, quiet: true });
      expect(`${done.code} ${done.output}`).toMatch(/^0 /);
    },
  ],
];

describe.each(installers)('the packed packages, installed with %s', (name, install) => {
  let app: string;

  beforeAll(async () => {
    app = makeApp(path.join(name.split(' ')[0] as string, 'app'));
    await install(app);
  }, INSTALL_MS);

  it('run the quick overview from strict TypeScript', async () => {
    const { code, output } = await run(process.execPath, [TSC, '-p', app], { cwd: app, quiet: true });
    expect(`${code} ${output}`).toBe('0 ');
    expect(await node(app, 'js/overview.js')).toMatchObject({ names, payload: { a: 1 } });
  }, 60_000);

  it('run the quick overview from JavaScript modules', async () => {
    expect(await node(app, 'overview.mjs')).toEqual({ names });
  }, 30_000);

  it('run the quick overview by require()', async () => {
    expect(await node(app, 'overview.cjs')).toEqual({ names, transports: ['amqp', 'redis'] });
  }, 30_000);

  it('find an installed transport by its scheme, and say what to install for another', async () => {
    expect(await node(app, 'schemes.mjs')).toEqual({
      amqp: 'ERR_KOMBU_CONNECT_REFUSED',
      redis: 'ERR_KOMBU_CONNECT_REFUSED',
      sqs: expect.any(String),
      advice: expect.stringContaining(ABSENT),
    });
  }, 60_000);

  it('run in Jest with CommonJS as the guide says', async () => {
    const tests = path.join(app, 'commonjs');
    for (const [file, code] of titledBlocks(path.join(ROOT, 'docs/guide/testing.md'))) {
      mkdirSync(path.dirname(path.join(tests, file)), { recursive: true });
      writeFileSync(path.join(tests, file), code);
    }
    writeFileSync(path.join(tests, 'package.json'), JSON.stringify({ name: 'tests', private: true }));
    mkdirSync(path.join(tests, 'node_modules'));
    const environment = path.resolve(import.meta.dirname, '../node_modules/jest-environment-node');
    symlinkSync(realpathSync(environment), path.join(tests, 'node_modules/jest-environment-node'));
    const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
    const { code, output } = await run(process.execPath, [jest, '--rootDir', tests, '--ci'], {
      cwd: tests,
      quiet: true,
      timeoutMs: 60_000,
    });
    expect(output).toContain('a greeting arrives');
    expect(`${code} ${output}`).toMatch(/^0 /);
  }, 90_000);
});

/** The files that a page shows: its blocks that are fenced with a title. */
function titledBlocks(page: string): [string, string][] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^```js title=(\S+)\n([\s\S]*?)^```$/gm)].map((match) => [
    match[1] as string,
    match[2] as string,
  ]);
}

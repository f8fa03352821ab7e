import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { loadTransportPackage } from '../../src/connection/package-loader.js';
import { InvalidOptionError } from '../../src/index.js';

const folder = await mkdtemp(path.join(tmpdir(), 'kombu-loader-'));
afterAll(() => rm(folder, { recursive: true }));

function missing(what: string): Error {
  const message = `Cannot find package '${what}' imported from /somewhere/@kombu/transport-redis/index.js`;
  return Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' });
}

/** Finds nothing from here; what is found elsewhere is `module`. */
function source(module: Record<string, unknown>, places: readonly (string | undefined)[]) {
  const imported: string[] = [];
  return {
    imported,
    places,
    import: async (specifier: string) => {
      imported.push(specifier);
      if (specifier.startsWith('@')) throw missing(specifier);
      return module;
    },
  };
}

// The tests' resolver maps the names of this project's transports to their sources; one with a digit it leaves alone.
describe('loading a transport of this project', () => {
  const r2 = { name: 'r2', connect: async () => {} };

  it('imports it as core finds it', async () => {
    const found = await loadTransportPackage('r2', { places: [], import: async () => ({ r2 }) });
    expect(found).toBe(r2);
  });

  it('looks from the program that was started, then from the working folder', async () => {
    const app = path.join(folder, 'app');
    const installed = path.join(app, 'node_modules/@kombu/transport-r2');
    await mkdir(installed, { recursive: true });
    await writeFile(path.join(installed, 'package.json'), JSON.stringify({ exports: { '.': { default: './x.js' } } }));
    await writeFile(path.join(installed, 'x.js'), '');
    for (const places of [
      [path.join(app, 'main.js')],
      [undefined, path.join(folder, 'main.js'), path.join(app, 'package.json')],
    ]) {
      const from = source({ r2 }, places);
      expect(await loadTransportPackage('r2', from)).toBe(r2);
      expect(from.imported).toEqual(['@kombu/transport-r2', expect.stringMatching(/^file:.*\/transport-r2\/x\.js$/)]);
    }
  });

  it('says the command that installs it when it is nowhere', async () => {
    const error = await loadTransportPackage('r2', source({}, [path.join(folder, 'x.js')])).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect((error as Error).message).toMatch(/npm install @kombu\/transport-r2$/);
  });

  it('does not say so when something else is missing or broken', async () => {
    for (const cause of [missing('ioredis'), new SyntaxError('unexpected token')]) {
      const broken = { places: [], import: () => Promise.reject(cause) };
      const error = await loadTransportPackage('r2', broken).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error).toMatchObject({ message: expect.stringContaining(cause.message), cause });
      expect((error as Error).message).not.toContain('npm install');
    }
  });

  it('refuses a package that does not export it', async () => {
    for (const module of [{}, { r2: 1 }, { r2: {} }]) {
      await expect(loadTransportPackage('r2', { places: [], import: async () => module })).rejects.toThrow(
        /does not export/,
      );
    }
  });
});

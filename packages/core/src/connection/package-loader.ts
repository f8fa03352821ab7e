import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidOptionError } from '../errors/index.js';
import type { Transport } from '../transport/transport.js';
import { packageOf } from './schemes.js';

type Module = Record<string, unknown>;

/** How packages are found; tests have their own. */
export interface PackageSource {
  import(specifier: string): Promise<Module>;
  /** Files from whose place the package is looked for when this one does not find it. */
  readonly places: readonly (string | undefined)[];
}

const OWN_SOURCE: PackageSource = {
  import: (specifier) => import(specifier) as Promise<Module>,
  get places() {
    return [process.argv[1], path.join(process.cwd(), 'package.json')];
  },
};

/**
 * Imports one of this project's transports: as this package finds it (it is an optional peer dependency), else as the program
 * that was started does, else as the working folder does.
 *
 * @throws InvalidOptionError, which says the command that installs it.
 */
export async function loadTransportPackage(name: string, source: PackageSource = OWN_SOURCE): Promise<Transport> {
  const specifier = packageOf(name);
  const module = (await importFromHere(specifier, source)) ?? (await importFromPlaces(specifier, source));
  if (module === undefined) {
    throw new InvalidOptionError(`the transport '${name}' is not installed; run: npm install ${specifier}`);
  }
  const transport = module[name];
  if (typeof transport === 'object' && transport !== null && 'connect' in transport) return transport as Transport;
  throw new InvalidOptionError(
    `${specifier} does not export a transport under the name '${name}'; its version does not fit`,
  );
}

async function importFromHere(specifier: string, source: PackageSource): Promise<Module | undefined> {
  try {
    return await source.import(specifier);
  } catch (error) {
    if (isMissing(error, specifier)) return undefined;
    throw broken(specifier, error);
  }
}

async function importFromPlaces(specifier: string, source: PackageSource): Promise<Module | undefined> {
  for (const place of source.places) {
    if (place === undefined || place === '') continue;
    let file: string;
    try {
      file = createRequire(path.resolve(place)).resolve(specifier);
    } catch {
      continue; // Not found from there.
    }
    try {
      return await source.import(pathToFileURL(file).href);
    } catch (error) {
      throw broken(specifier, error);
    }
  }
  return undefined;
}

/** Whether the package itself is what was not found, and not something that it imports. */
function isMissing(error: unknown, specifier: string): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  const named = /Cannot find (?:package|module) '([^']+)'/i.exec(String(message))?.[1];
  return named === undefined || named === specifier;
}

function broken(specifier: string, cause: unknown): InvalidOptionError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new InvalidOptionError(`${specifier} cannot be loaded: ${detail}`, { cause });
}

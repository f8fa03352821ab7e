import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidOptionError } from '../errors/index.js';
import type { Transport } from '../transport/transport.js';
import { packageOf } from './schemes.js';

type Module = Record<string, unknown>;

/**
 * Imports one of this project's transports: as this package finds it (it is an optional peer dependency), else as the program
 * that was started does, else as the working folder does.
 */
export async function loadTransportPackage(name: string): Promise<Transport> {
  const specifier = packageOf(name);
  const module =
    (await importFromHere(specifier)) ??
    (await importFrom(specifier, [process.argv[1], path.join(process.cwd(), 'x')]));
  if (module === undefined) {
    throw new InvalidOptionError(`the transport '${name}' is not installed; run: npm install ${specifier}`);
  }
  const transport = module[name];
  if (typeof transport === 'object' && transport !== null && 'connect' in transport) return transport as Transport;
  throw new InvalidOptionError(
    `${specifier} does not export a transport under the name '${name}'; its version does not fit`,
  );
}

async function importFromHere(specifier: string): Promise<Module | undefined> {
  try {
    return (await import(specifier)) as Module;
  } catch (error) {
    if (isMissing(error, specifier)) return undefined;
    throw broken(specifier, error);
  }
}

async function importFrom(specifier: string, places: readonly (string | undefined)[]): Promise<Module | undefined> {
  for (const place of places) {
    if (place === undefined || place === '') continue;
    let file: string;
    try {
      file = createRequire(path.resolve(place)).resolve(specifier);
    } catch {
      continue; // Not found from there.
    }
    try {
      return (await import(pathToFileURL(file).href)) as Module;
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

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { publicPackages } from './repository.js';

/** The transports that the packages export, from their built output: `{ transport, name, folder }`, core's memory first. */
export async function loadTransports() {
  const found = [];
  for (const { name, folder, manifest } of publicPackages()) {
    if (name !== '@kombu/core' && !name.startsWith('@kombu/transport-')) continue;
    const exported = await import(pathToFileURL(path.join(folder, manifest.exports['.'].default)).href);
    const transports = Object.values(exported).filter(
      (value) => typeof value === 'object' && value !== null && Array.isArray(value.schemes) && 'capabilities' in value,
    );
    found.push(...transports.map((transport) => ({ transport, name, folder })));
  }
  return found;
}

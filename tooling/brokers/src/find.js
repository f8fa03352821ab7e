import { aptInstall } from './apt.js';
import { dockerProblem } from './docker.js';

/** @type {typeof import('./types.d.ts').isUnavailable} */
export function isUnavailable(x) {
  return 'unavailable' in x;
}

/**
 * Finds a server program: installed already, else by installing its Debian packages, else Docker.
 *
 * @param {object} o
 * @param {string} o.name what it is called in the reason
 * @param {() => string | undefined} o.look finds the program where it is installed
 * @param {readonly string[]} o.packages Debian packages that bring it
 * @param {boolean} o.docker whether Docker will do
 * @returns {Promise<{ readonly program: string, readonly origin: 'path' | 'installed' }
 *   | { readonly origin: 'docker' } | import('./types.d.ts').Unavailable>}
 */
export async function findServer({ name, look, packages, docker }) {
  const there = look();
  if (there !== undefined) return { program: there, origin: 'path' };
  const notInstalled = await aptInstall(packages);
  if (notInstalled === undefined) {
    const program = look();
    if (program !== undefined) return { program, origin: 'installed' };
  }
  const reasons = [`${name} is not on the PATH`, notInstalled ?? `${packages.join(' ')} did not bring it`];
  if (docker) {
    const problem = await dockerProblem();
    if (problem === undefined) return { origin: 'docker' };
    reasons.push(problem);
  }
  return { unavailable: reasons.join('; ') };
}

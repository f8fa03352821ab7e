import type { Arguments } from '../transport/channel.js';
import { sameValue } from './headers-match.js';

/** Whether two tables of arguments say the same; what is null or undefined is not there. */
function sameArguments(a: Arguments, b: Arguments): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const name of names) if (!sameValue(a[name] ?? undefined, b[name] ?? undefined)) return false;
  return true;
}

/** The first thing in which two declarations of one name differ; undefined: they are equivalent. */
export function recordDifference<R extends { readonly arguments: Arguments }>(
  stored: R,
  wanted: R,
  fields: readonly (keyof R & string)[],
): string | undefined {
  for (const field of fields) if (stored[field] !== wanted[field]) return `'${field}'`;
  return sameArguments(stored.arguments, wanted.arguments) ? undefined : 'set of arguments';
}

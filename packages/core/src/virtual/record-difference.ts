import { stringifyJson } from '../codec/json/write.js';
import type { Arguments } from '../transport/channel.js';
import { sameValue } from './headers-match.js';

/** One thing, and what is said of it before and now. */
function differing(what: string, stored: unknown, wanted: unknown): string {
  const [before, now] = [stored, wanted].map((value) => (value === undefined ? 'none' : stringifyJson(value)));
  return `${what}: ${before} before, ${now} now`;
}

/**
 * The first thing in which two declarations of one name differ, and both its values; undefined: they are equivalent. An argument that is
 * null or undefined is not there.
 */
export function recordDifference<R extends { readonly arguments: Arguments }>(
  stored: R,
  wanted: R,
  fields: readonly (keyof R & string)[],
): string | undefined {
  for (const field of fields) {
    if (stored[field] !== wanted[field]) return differing(`'${field}'`, stored[field], wanted[field]);
  }
  const [before, now] = [stored.arguments, wanted.arguments];
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const [a, b] = [before[name] ?? undefined, now[name] ?? undefined];
    if (!sameValue(a, b)) return differing(`argument '${name}'`, a, b);
  }
  return undefined;
}

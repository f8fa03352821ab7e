import { InvalidOptionError } from '../errors/index.js';
import type { Arguments } from '../transport/channel.js';

/** No arguments. */
export const NO_ARGUMENTS: Arguments = Object.freeze({});

/**
 * A frozen copy of a table of arguments; null and undefined values are left out, as they mean "not given" in Kombu.
 * A key such as `__proto__` is data like any other (Object.fromEntries defines, it does not assign).
 */
export function frozenArguments(owner: string, name: string, value: unknown): Arguments {
  if (value === undefined || value === null) return NO_ARGUMENTS;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new InvalidOptionError(`${owner}: '${name}' must be an object of arguments`);
  }
  const given = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
  if (given.length === 0) return NO_ARGUMENTS;
  return Object.freeze(Object.fromEntries(given.map(([key, item]) => [key, frozenCopy(item)])));
}

/** Plain objects and arrays are copied and frozen; bytes, dates and instances of other classes are kept as they are. */
function frozenCopy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy));
  if (typeof value !== 'object' || value === null) return value;
  const prototype = Object.getPrototypeOf(value);
  // A plain object, of whatever realm.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return value;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, frozenCopy(item)])));
}

/** Whether a table has no entry. */
export function isEmpty(table: Arguments): boolean {
  for (const _ in table) return false;
  return true;
}

import { InvalidOptionError } from '../errors/index.js';
import { didYouMean } from './nearest.js';

/** Throws InvalidOptionError for the first option that is not known, naming the one it is most like, and for what holds none. */
export function checkOptionNames(owner: string, options: object, known: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError(`${owner}: options are an object, not ${shown(options)}`);
  for (const name in options) {
    if (!known.has(name)) throw unknownOption(owner, name, known);
  }
}

function unknownOption(owner: string, name: string, known: ReadonlySet<string>): InvalidOptionError {
  return new InvalidOptionError(`${owner} has no option '${name}'${didYouMean(name, known)}`);
}

/** A whole number of at least `min` (and at most `max`), or undefined when it is not given. */
export function wholeNumber(
  owner: string,
  name: string,
  value: unknown,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new InvalidOptionError(`${owner}: '${name}' must be a whole number ${range}, got ${shown(value)}`);
}

/** Milliseconds of at least `min`, fractions cut off; undefined when not given. */
export function milliseconds(owner: string, name: string, value: unknown, min = 0): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && Math.trunc(value) >= min) return Math.trunc(value);
  throw new InvalidOptionError(
    `${owner}: '${name}' must be a number of milliseconds, at least ${min}, got ${shown(value)}`,
  );
}

/** True or false; `fallback` when not given. */
export function flag(owner: string, name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'boolean') return value;
  throw new InvalidOptionError(`${owner}: '${name}' must be true or false, got ${shown(value)}`);
}

/** A string; `fallback` when not given. */
export function text(owner: string, name: string, value: unknown, fallback: string): string {
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'string') return value;
  throw new InvalidOptionError(`${owner}: '${name}' must be a string, got ${shown(value)}`);
}

/** A function, or undefined when not given. */
export function optionalFunction<F>(owner: string, name: string, value: F): F {
  if (value === undefined || typeof value === 'function') return value;
  throw new InvalidOptionError(`${owner}: '${name}' must be a function, got ${shown(value)}`);
}

/** How a wrong value is named in an error: numbers and flags as they are, everything else by its kind only. */
function shown(value: unknown): string {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

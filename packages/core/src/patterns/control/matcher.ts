import { runInNewContext } from 'node:vm';
import { InvalidOptionError } from '../../errors/index.js';
import { matchesGlob } from './glob.js';

/** How a pattern is held against the name of a node: a shell pattern, or a regular expression from its beginning on. */
export type Matcher = 'glob' | 'pcre';

/** How long a regular expression may take before it counts as one that does not match, in milliseconds. */
const TIME_LIMIT_MS = 50;
/** Longer than any sensible pattern. */
const MAX_PATTERN = 1000;

/**
 * Whether a name matches a pattern. A regular expression comes from another process: one that takes longer than 50 ms is ended,
 * and does not match.
 *
 * @throws InvalidOptionError for an unknown matcher, and for a pattern that is none or longer than 1000 characters.
 */
export function matches(name: string, pattern: string, matcher: string): boolean {
  if (pattern.length > MAX_PATTERN) throw new InvalidOptionError(`a pattern is longer than ${MAX_PATTERN} characters`);
  if (matcher === 'glob') return matchesGlob(name, pattern);
  if (matcher === 'pcre') return matchesRegExp(name, pattern);
  throw new InvalidOptionError(`there is no matcher '${matcher}', only glob and pcre`);
}

function matchesRegExp(name: string, pattern: string): boolean {
  const expression = compiled(pattern);
  try {
    // Only the name and the expression are there: nothing of the pattern is ever run as a program.
    return runInNewContext('expression.test(name)', { expression, name }, { timeout: TIME_LIMIT_MS }) === true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  }
}

function compiled(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern.replaceAll('(?P<', '(?<')})`);
  } catch (cause) {
    throw new InvalidOptionError('a pattern is no regular expression', { cause });
  }
}

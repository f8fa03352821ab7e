import assert from 'node:assert/strict';
import { KombuError, type KombuErrorName } from '@kombu/core';

/**
 * Shows that a call ends in a KombuError with one of these codes, thrown or rejected, and returns it.
 */
export async function refuses(
  what: string,
  call: () => unknown,
  ...codes: readonly [KombuErrorName, ...KombuErrorName[]]
): Promise<KombuError> {
  try {
    await call();
  } catch (error) {
    if (KombuError.is(error) && codes.some((code) => error.code === `ERR_KOMBU_${code}`)) return error;
    throw new Error(`${what}: ${codes.join(' or ')} was expected, not ${String(error)}`, { cause: error });
  }
  throw new assert.AssertionError({ message: `${what}: ${codes.join(' or ')} was expected, but it succeeded` });
}

/** Shows that two lists have the same members, in any order. */
export function sameMembers<T>(actual: Iterable<T>, expected: Iterable<T>, what: string): void {
  assert.deepEqual([...actual].map(String).sort(), [...expected].map(String).sort(), what);
}

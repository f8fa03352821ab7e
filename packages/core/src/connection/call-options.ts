import { checkOptionNames } from '../util/check-options.js';

/** The names of `CallOptions`. */
export const CALL_OPTION_NAMES: ReadonlySet<string> = new Set(['signal', 'timeoutMs']);

/** Checks the options of a call by their names; nothing where none are given. @throws InvalidOptionError */
export function checkCallOptions(owner: string, o: object | undefined, known = CALL_OPTION_NAMES): void {
  if (o !== undefined) checkOptionNames(owner, o, known);
}

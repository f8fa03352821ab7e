import { DecodeError } from '../../errors/index.js';
import { MAX_DEPTH } from '../limits.js';

/** Text up to this length cannot be nested so deep that JSON.parse takes much of anything. */
const SMALL = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Throws DecodeError when long JSON text is nested too deep, before JSON.parse sees it: that would take seconds and gigabytes for
 * 64 MiB of brackets, which compress to 64 KiB.
 */
export function checkNesting(text: string): void {
  if (text.length <= SMALL) return;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      at = endOfString(text, at);
    } else if (character === OPEN_LIST || character === OPEN_OBJECT) {
      if (++depth > MAX_DEPTH) throw new DecodeError(`The JSON body is nested deeper than ${MAX_DEPTH} levels`);
    } else if (character === CLOSE_LIST || character === CLOSE_OBJECT) {
      depth--;
    }
  }
}

/** The quote that ends a string, given the one that begins it; the end of the text when there is none. */
export function endOfString(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
  } while (isEscaped(text, end));
  return end;
}

/** Whether an odd number of backslashes stands before a character. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

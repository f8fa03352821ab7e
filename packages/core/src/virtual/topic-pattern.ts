/** What a pattern for Python escapes: everything that is neither alphanumeric (in any script) nor `.`, `#` or `*`. */
const SPECIAL = /[^\p{L}\p{N}.#*]/gu;

function literal(word: string): string {
  return word.replace(SPECIAL, (c) => (c === '\0' ? '\\000' : `\\${c}`)).replace(/[*#]/g, '\\$&');
}

/**
 * The regular expression for a topic exchange's binding key, in the syntax that Python and JavaScript share: `*` is exactly one
 * word, `#` any number of words, none included, as in AMQP. For stores whose bindings Python reads: Python matches by the text
 * that is stored with a binding. (The text that Python itself writes lets `*` cross dots, and `#` miss the empty case.) This
 * library routes by the binding key, never by this.
 *
 * @example
 * ```ts
 * import { topicPattern } from '@kombu/core/virtual';
 *
 * console.log(topicPattern('stock.#')); // ^stock(?:\..*)?$
 * ```
 */
export function topicPattern(bindingKey: string): string {
  // '#.#' says no more than '#'.
  const words = bindingKey.split('.').filter((word, i, all) => word !== '#' || all[i - 1] !== '#');
  if (words.length === 1 && words[0] === '#') return '^.*?$';
  // The empty key has no word at all: neither '*' nor an empty word takes it.
  const onlyWild = words.every((word) => word === '*' || word === '#' || word === '');
  let pattern = bindingKey !== '' && onlyWild ? '^(?=.)' : '^';
  let begins = true;
  for (const word of words) {
    if (word === '#') {
      pattern += begins ? '(?:.*\\.)?' : '(?:\\..*)?';
      continue;
    }
    pattern += `${begins ? '' : '\\.'}${word === '*' ? '[^.]*' : literal(word)}`;
    begins = false;
  }
  return `${pattern}$`;
}

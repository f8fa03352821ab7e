/** What a pattern for Python escapes: everything that is neither alphanumeric (in any script) nor `.`, `#` or `*`. */
const SPECIAL = /[^\p{L}\p{N}.#*]/gu;

function literal(word: string): string {
  return word.replace(SPECIAL, (c) => (c === '\0' ? '\\000' : `\\${c}`)).replace(/[*#]/g, '\\$&');
}

/**
 * The regular expression, in the syntax that Python and JavaScript share, for a topic exchange's binding key: `*` is exactly
 * one word, `#` any number of words, none included, as in AMQP. Python readers use the text that is stored with a binding as
 * it is; the one that Python itself writes lets `*` cross dots, and `#` miss the empty case.
 */
export function topicPattern(bindingKey: string): string {
  // '#.#' says no more than '#'.
  const words = bindingKey.split('.').filter((word, i, all) => word !== '#' || all[i - 1] !== '#');
  if (words.length === 1 && words[0] === '#') return '^.*?$';
  // The empty key has no word at all: neither '*' nor an empty word takes it.
  let pattern =
    bindingKey !== '' && words.every((word) => word === '*' || word === '#' || word === '') ? '^(?=.)' : '^';
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

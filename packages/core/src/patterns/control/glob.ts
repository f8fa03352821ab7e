/**
 * Whether a name matches a shell pattern as a whole: `*` is anything, `?` any character, `[abc]`, `[a-z]` and `[!a]` one of a
 * set. Takes a time proportional to the product of both lengths at most. The rules are those of Python's `fnmatch`.
 */
export function matchesGlob(name: string, pattern: string): boolean {
  const parts = partsOf(pattern);
  let at = 0;
  let part = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    const wanted = parts[part];
    if (wanted === '*') {
      star = part++;
      resume = at;
    } else if (wanted?.(name.charAt(at))) {
      part++;
      at++;
    } else if (star >= 0) {
      // The last star takes one character more.
      part = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (parts[part] === '*') part++;
  return part === parts.length;
}

type Part = '*' | ((char: string) => boolean);

function partsOf(pattern: string): Part[] {
  const parts: Part[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    if (char === '*') {
      if (parts.at(-1) !== '*') parts.push('*');
    } else if (char === '?') {
      parts.push(() => true);
    } else if (char === '[') {
      const end = endOfSet(pattern, i);
      if (end < 0) parts.push((one) => one === '[');
      else {
        parts.push(setOf(pattern.slice(i + 1, end)));
        i = end;
      }
    } else {
      parts.push((one) => one === char);
    }
  }
  return parts;
}

/** Where a set ends; a `]` at its very beginning belongs to it. -1: it does not. */
function endOfSet(pattern: string, start: number): number {
  let first = start + 1;
  if (pattern.charAt(first) === '!') first++;
  return pattern.indexOf(']', first + 1);
}

function setOf(text: string): (char: string) => boolean {
  const negated = text.startsWith('!');
  const members = negated ? text.slice(1) : text;
  const ranges: [string, string][] = [];
  for (let i = 0; i < members.length; i++) {
    const from = members.charAt(i);
    if (members.charAt(i + 1) === '-' && i + 2 < members.length) {
      ranges.push([from, members.charAt(i + 2)]);
      i += 2;
    } else {
      ranges.push([from, from]);
    }
  }
  return (char) => ranges.some(([from, to]) => from <= char && char <= to) !== negated;
}

/** A content type without its parameters: `application/json; charset=utf-8` is `application/json`. */
export function bareType(contentType: string): string {
  const at = contentType.indexOf(';');
  return (at === -1 ? contentType : contentType.slice(0, at)).trim();
}

/** Types that pass every accept list, since nothing is decoded but text. */
export const UNDECODED_TYPES: ReadonlySet<string> = new Set(['text/plain', 'application/data', 'application/text']);

/** Whether this is a MIME type; else it is the name of a serializer, or no text at all. */
export function isType(nameOrType: string): boolean {
  return typeof nameOrType === 'string' && nameOrType.includes('/');
}

import { createHash } from 'node:crypto';

/** A Lua script and the digest that the server knows it by. */
export interface Script {
  readonly name: string;
  readonly text: string;
  /** SHA-1 of the text, as EVALSHA takes it. */
  readonly sha: string;
}

/** Joins the parts of a script: shared functions first, the script's own text last. */
export function script(name: string, ...parts: readonly string[]): Script {
  const text = parts.map((part) => part.trim()).join('\n\n');
  return { name, text, sha: createHash('sha1').update(text).digest('hex') };
}

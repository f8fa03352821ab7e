import { parseJson } from '../codec/json/read.js';
import { stringifyJson } from '../codec/json/write.js';

/**
 * An envelope without some of its properties: those that a broker keeps beside it. Everything else stays as it was written, and so
 * does a text that is no envelope, or none that can be read: a message of somebody else that is stored again. Never throws.
 *
 * @param envelope what a driver was given to store as text
 * @param names of the properties on the wire, such as `message_attributes`
 */
export function withoutProperties(envelope: string, names: readonly string[]): string {
  let read: { readonly properties?: unknown } | null;
  try {
    read = parseJson(envelope) as typeof read;
  } catch {
    return envelope;
  }
  const properties = read?.properties;
  if (typeof properties !== 'object' || properties === null) return envelope;
  const without = properties as Record<string, unknown>;
  if (!names.some((name) => Object.hasOwn(without, name))) return envelope;
  for (const name of names) delete without[name];
  return stringifyJson(read);
}

import { parseJson } from '../codec/json/read.js';
import { stringifyJson } from '../codec/json/write.js';

/**
 * An envelope without some of its properties: those that a broker keeps beside it. Everything else stays as it was written.
 *
 * @param envelope what a driver was given to store as text
 * @param names of the properties on the wire, such as `message_attributes`
 */
export function withoutProperties(envelope: string, names: readonly string[]): string {
  const read = parseJson(envelope) as { properties: Record<string, unknown> };
  for (const name of names) delete read.properties[name];
  return stringifyJson(read);
}

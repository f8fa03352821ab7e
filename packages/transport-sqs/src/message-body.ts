import { isUtf8 } from 'node:buffer';
import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import { InvalidOptionError } from '@kombu/core';
import { withoutProperties } from '@kombu/core/virtual';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** `{` as the first byte of base64 text: `e` and nothing else. */
const E = 101;
const OPEN = 123;
const CLOSE = 125;
/** Characters that SQS, or a service like it, refuses: noncharacters, and what is written as two. Within JSON they can be escaped. */
const REFUSED = /[\uD800-\uDFFF\uFFFE\uFFFF]/g;

/** An envelope as the body of an SQS message. */
export function writeBody(envelope: string, base64: boolean): string {
  if (base64) return Buffer.from(envelope).toString('base64');
  return envelope.replace(REFUSED, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

/**
 * The envelope in the body of an SQS message: plain, or out of the base64 that Kombu writes. What is neither is left as it is,
 * base64 of something else included.
 */
export function readBody(body: string): string {
  if (body.charCodeAt(0) !== E || body.length % 4 !== 0 || !BASE64.test(body)) return body;
  const bytes = Buffer.from(body, 'base64');
  return bytes[0] === OPEN && bytes.at(-1) === CLOSE && isUtf8(bytes) ? bytes.toString() : body;
}

/** Message attributes as SQS has them; plain values are given the type that fits. */
export function writeAttributes(given: unknown, what: string): Record<string, MessageAttributeValue> | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new InvalidOptionError(`${what}: message_attributes must be an object of names and values`);
  }
  const attributes: Record<string, MessageAttributeValue> = Object.create(null);
  for (const [name, value] of Object.entries(given)) attributes[name] = attributeOf(value, name, what);
  return Object.keys(attributes).length === 0 ? undefined : { ...attributes };
}

function attributeOf(value: unknown, name: string, what: string): MessageAttributeValue {
  if (typeof value === 'string') return { DataType: 'String', StringValue: value };
  if (typeof value === 'number' || typeof value === 'bigint') return { DataType: 'Number', StringValue: String(value) };
  if (value instanceof Uint8Array) return { DataType: 'Binary', BinaryValue: value };
  if (typeof value === 'object' && value !== null && typeof (value as MessageAttributeValue).DataType === 'string') {
    return value as MessageAttributeValue;
  }
  throw new InvalidOptionError(
    `${what}: message attribute '${name}' must be text, a number, bytes, or { DataType, ... }`,
  );
}

/** The envelope without its attributes, which SQS keeps beside it (wire format E.2). */
export function envelopeOf(payload: string, attributes: object | undefined): string {
  return attributes === undefined ? payload : withoutProperties(payload, ['message_attributes']);
}

/** How many bytes a message counts for at SQS. */
export function sizeOf(body: string, attributes: Record<string, MessageAttributeValue> | undefined): number {
  let size = Buffer.byteLength(body);
  for (const [name, { DataType = '', StringValue = '', BinaryValue }] of Object.entries(attributes ?? {})) {
    size += Buffer.byteLength(name) + DataType.length + Buffer.byteLength(StringValue) + (BinaryValue?.length ?? 0);
  }
  return size;
}

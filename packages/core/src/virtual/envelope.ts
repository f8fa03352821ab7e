import { isUtf8 } from 'node:buffer';
import { asBuffer } from '../codec/bytes.js';
import { parseJson } from '../codec/json/read.js';
import { stringifyJson } from '../codec/json/write.js';
import { isRecord, setKey } from '../codec/record.js';
import { DecodeError } from '../errors/index.js';
import type { Headers, MessageProperties, WireMessage } from '../transport/delivery.js';
import { DeadMessage } from './dead-message.js';
import type { Content, EncodedBody } from './delivery.js';
import { fromWireProperties, toWireProperties } from './envelope-properties.js';

/** Keys of an envelope that have a meaning here; every other one is passed on when a message is stored again. */
const KNOWN: ReadonlySet<string> = new Set([
  'body',
  'content-encoding',
  'content-type',
  'headers',
  'properties',
  'redelivered',
]);

function bodyOf(
  message: WireMessage,
  bodyEncoding: 'base64' | 'utf-8',
): { literal: string; encoding: string | undefined } {
  const kept = message instanceof DeadMessage ? message.source.encoded : undefined;
  if (kept !== undefined) return { literal: JSON.stringify(kept.value), encoding: kept.encoding };
  const body = asBuffer(message.body);
  if (bodyEncoding === 'utf-8' && isUtf8(body)) return { literal: JSON.stringify(body.toString()), encoding: 'utf-8' };
  return { literal: `"${body.toString('base64')}"`, encoding: 'base64' };
}

/** What stands between the body of an envelope and its expiry and delivery tag. */
function frameOf(
  message: WireMessage,
  exchange: string,
  routingKey: string,
  encoding: string | undefined,
  extra: Readonly<Record<string, unknown>> | undefined,
): string {
  return (
    `,"content-encoding":${JSON.stringify(message.contentEncoding ?? null)}` +
    `,"content-type":${JSON.stringify(message.contentType ?? null)},"headers":${stringifyJson(message.headers)}` +
    (extra === undefined ? '' : `,${stringifyJson(extra).slice(1, -1)}`) +
    `,"properties":${stringifyJson(toWireProperties(message.properties)).slice(0, -1)}` +
    `,"delivery_info":{"exchange":${JSON.stringify(exchange)},"routing_key":${JSON.stringify(routingKey)}}` +
    (encoding === undefined ? '' : `,"body_encoding":${JSON.stringify(encoding)}`)
  );
}

/**
 * Writes the envelope of wire format A.1 for one message. What all of its copies share is written once; each copy has a
 * delivery tag and an expiry of its own.
 */
export class EnvelopeWriter {
  readonly #literal: string;
  readonly #frame: string;

  constructor(literal: string, frame: string) {
    this.#literal = literal;
    this.#frame = frame;
  }

  /** The envelope of one copy. */
  write(deliveryTag: string, expiresAt: number | undefined): string {
    const expiry = expiresAt === undefined ? '' : `,"expires_at_ms":${Math.round(expiresAt)}`;
    return `{"body":${this.#literal}${this.#frame}${expiry},"delivery_tag":"${deliveryTag}"}}`;
  }
}

/** Makes writers. Messages in a row that differ in nothing but their body share the text of everything else. */
export class EnvelopeFrames {
  readonly #bodyEncoding: 'base64' | 'utf-8';
  #message: WireMessage | undefined;
  #exchange = '';
  #routingKey = '';
  #encoding: string | undefined;
  #frame = '';

  constructor(bodyEncoding: 'base64' | 'utf-8') {
    this.#bodyEncoding = bodyEncoding;
  }

  /** @throws EncodeError when a header or a property cannot be written as JSON */
  writer(message: WireMessage, exchange: string, routingKey: string): EnvelopeWriter {
    const { literal, encoding } = bodyOf(message, this.#bodyEncoding);
    if (message instanceof DeadMessage) {
      return new EnvelopeWriter(literal, frameOf(message, exchange, routingKey, encoding, message.source.extra));
    }
    if (!this.#fits(message, exchange, routingKey, encoding)) {
      this.#frame = frameOf(message, exchange, routingKey, encoding, undefined);
      // Only what cannot change says anything about the next message.
      const fixed = Object.isFrozen(message.headers) && Object.isFrozen(message.properties);
      this.#message = fixed ? message : undefined;
      this.#exchange = exchange;
      this.#routingKey = routingKey;
      this.#encoding = encoding;
    }
    return new EnvelopeWriter(literal, this.#frame);
  }

  #fits(message: WireMessage, exchange: string, routingKey: string, encoding: string | undefined): boolean {
    const last = this.#message;
    return (
      last !== undefined &&
      message.headers === last.headers &&
      message.properties === last.properties &&
      message.contentType === last.contentType &&
      message.contentEncoding === last.contentEncoding &&
      exchange === this.#exchange &&
      routingKey === this.#routingKey &&
      encoding === this.#encoding
    );
  }
}

/** The parsed text, if it is an envelope at all. */
function parse(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    try {
      // A tagged value that nobody knows is no reason to lose the rest.
      value = JSON.parse(text);
    } catch {
      return undefined;
    }
  }
  if (!isTable(value) || !isTable(value.properties) || !Object.hasOwn(value, 'body')) return undefined;
  return value;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && isRecord(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * What is inside of a stored text. An envelope of any Python Kombu is understood: missing headers, no body encoding, unknown
 * keys. Anything else (a message that no Kombu wrote) is delivered as it is, as `application/json` or `text/plain`. Never throws.
 *
 * @param beside properties that the store keeps beside the text
 */
export function readEnvelope(text: string, queue: string, beside?: Readonly<Record<string, unknown>>): Content {
  const envelope = parse(text);
  if (envelope === undefined) return new ForeignContent(text, queue, beside);
  if (beside !== undefined) Object.assign(envelope.properties as object, beside);
  return new EnvelopeContent(envelope, queue);
}

/** The keys of an envelope that have no meaning here. */
function unknownOf(envelope: Record<string, unknown>): Record<string, unknown> | undefined {
  let unknown: Record<string, unknown> | undefined;
  for (const key of Object.keys(envelope)) {
    if (KNOWN.has(key)) continue;
    unknown ??= {};
    setKey(unknown, key, envelope[key]);
  }
  return unknown;
}

class EnvelopeContent implements Content {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  readonly expiresAt: number | undefined;
  readonly deliveryTag: string | undefined;
  readonly encoded: EncodedBody;
  readonly extra: Readonly<Record<string, unknown>> | undefined;
  readonly #headers: Headers;
  readonly #properties: Readonly<Record<string, unknown>>;

  constructor(envelope: Record<string, unknown>, queue: string) {
    const properties = envelope.properties as Record<string, unknown>;
    const info = isTable(properties.delivery_info) ? properties.delivery_info : {};
    const expires = properties.expires_at_ms;
    this.contentType = textOf(envelope['content-type']);
    this.contentEncoding = textOf(envelope['content-encoding']);
    this.#headers = isTable(envelope.headers) ? envelope.headers : {};
    this.#properties = properties;
    this.exchange = textOf(info.exchange) ?? '';
    this.routingKey = textOf(info.routing_key) ?? queue;
    // Python marks what it has put back in one of three places.
    this.redelivered = envelope.redelivered === true || info.redelivered === true || this.#headers.redelivered === true;
    this.expiresAt = typeof expires === 'number' && Number.isFinite(expires) ? expires : undefined;
    this.deliveryTag = textOf(properties.delivery_tag);
    this.encoded = { value: envelope.body, encoding: textOf(properties.body_encoding) };
    this.extra = unknownOf(envelope);
  }

  takeHeaders(): Headers {
    return this.#headers;
  }
  takeProperties(): MessageProperties {
    return fromWireProperties(this.#properties);
  }
  readBody(): Uint8Array {
    return decodeBody(this.encoded);
  }
}

class ForeignContent implements Content {
  readonly contentType: string;
  readonly contentEncoding = 'utf-8';
  readonly exchange = '';
  readonly routingKey: string;
  readonly redelivered = false;
  readonly expiresAt = undefined;
  readonly deliveryTag = undefined;
  readonly encoded = undefined;
  readonly extra = undefined;
  readonly #text: string;
  readonly #beside: Readonly<Record<string, unknown>> | undefined;

  constructor(text: string, queue: string, beside: Readonly<Record<string, unknown>> | undefined) {
    this.#text = text;
    this.#beside = beside;
    this.routingKey = queue;
    let json = true;
    try {
      JSON.parse(text);
    } catch {
      json = false;
    }
    this.contentType = json ? 'application/json' : 'text/plain';
  }

  takeHeaders(): Headers {
    return {};
  }
  takeProperties(): MessageProperties {
    return { ...this.#beside };
  }
  readBody(): Uint8Array {
    return Buffer.from(this.#text);
  }
}

/** The bytes of an envelope's body. Throws DecodeError for an encoding that does not exist, and for broken base64. */
export function decodeBody({ value, encoding }: EncodedBody): Uint8Array {
  if (value === null || value === undefined) return Buffer.alloc(0);
  // A tagged value of bytes was read as a Buffer already.
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') throw new DecodeError(`the body of an envelope must be text, not ${typeof value}`);
  if (encoding === undefined || encoding.toLowerCase() === 'utf-8') return Buffer.from(value);
  if (encoding !== 'base64') throw new DecodeError(`unknown body encoding ${JSON.stringify(encoding.slice(0, 40))}`);
  return decodeBase64(value);
}

function decodeBase64(text: string): Buffer {
  const body = Buffer.from(text, 'base64');
  if (body.length === base64Length(text)) return body;
  // Line breaks are no part of it.
  const bare = text.replace(/\s+/g, '');
  const again = Buffer.from(bare, 'base64');
  if (again.length === base64Length(bare)) return again;
  throw new DecodeError('the body of an envelope is not base64');
}

/** How many bytes well-formed base64 of that text has. */
function base64Length(text: string): number {
  let length = text.length;
  while (length > 0 && text.charCodeAt(length - 1) === 61) length--;
  return length % 4 === 1 ? -1 : Math.floor((length * 3) / 4);
}

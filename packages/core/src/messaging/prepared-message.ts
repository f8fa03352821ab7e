import { bytesOf, isBytes } from '../codec/bytes.js';
import type { CodecSet } from '../codec/codec-set.js';
import { encodeBody } from '../codec/payload.js';
import type { MaybePromise } from '../transport/channel.js';
import type { Headers, MessageProperties, WireMessage } from '../transport/delivery.js';
import { copyTable } from '../util/copy-table.js';
import { headersOf, propertiesOf } from './properties.js';
import type { MessageOptions } from './publish-options.js';

type EncodedBody = Awaited<ReturnType<typeof encodeBody>>;

/** A message that is ready to be published: its body is serialized and compressed. */
export class PreparedMessage implements WireMessage {
  /** The body as it is sent. */
  readonly body: Uint8Array;
  /** The MIME type of the body before compression. */
  readonly contentType: string | undefined;
  /** The character set of the body, or `binary`. */
  readonly contentEncoding: string | undefined;
  /** Application headers. */
  readonly headers: Headers;
  /** Everything else. */
  readonly properties: MessageProperties;

  /** @internal */
  constructor(encoded: EncodedBody, headers: Headers, properties: MessageProperties) {
    this.body = encoded.body;
    this.contentType = encoded.contentType;
    this.contentEncoding = encoded.contentEncoding;
    this.headers = headers;
    this.properties = properties;
  }
}

/** How the body of a message is made when its own options do not say. */
export interface EncodingDefaults {
  readonly serializer: string | undefined;
  readonly compression: string | undefined;
}

/** Nothing is preset. */
export const NO_DEFAULTS: EncodingDefaults = { serializer: undefined, compression: undefined };

/**
 * Encodes a message: its body once, its properties and headers as they are on the wire. Everything is copied that the caller
 * might change afterwards. A promise only where the compression works asynchronously.
 *
 * @throws EncodeError, SerializerNotInstalled, InvalidOptionError.
 */
export function prepareMessage(
  body: unknown,
  options: MessageOptions,
  defaults: EncodingDefaults,
  fallbackMode: 1 | 2,
  codec: CodecSet,
): MaybePromise<PreparedMessage> {
  const properties = propertiesOf(options, fallbackMode);
  const own = typeof body === 'object' && body !== null && isBytes(body) ? Buffer.from(bytesOf(body)) : body;
  const encoded = encodeBody(own, encodingOf(options, defaults), codec);
  if (!(encoded instanceof Promise)) {
    return new PreparedMessage(encoded, headersOf(options.headers, encoded.compression), properties);
  }
  const headers = options.headers === undefined ? undefined : copyTable(options.headers);
  return encoded.then((done) => new PreparedMessage(done, headersOf(headers, done.compression), properties));
}

/** The caller's own options where there is nothing to add to them. */
function encodingOf(options: MessageOptions, defaults: EncodingDefaults): MessageOptions {
  if (defaults.serializer === undefined && defaults.compression === undefined) return options;
  return {
    serializer: options.serializer ?? (options.contentType === undefined ? defaults.serializer : undefined),
    compression: options.compression ?? defaults.compression,
    contentType: options.contentType,
    contentEncoding: options.contentEncoding,
  };
}

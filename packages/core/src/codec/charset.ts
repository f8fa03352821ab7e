import { isUtf8 } from 'node:buffer';
import { DecodeError, EncodeError } from '../errors/index.js';

type Charset = 'utf-8' | 'latin-1' | 'ascii' | 'binary' | 'other';

/** What a content encoding means, by the names that Python and MIME have for it. */
function charsetOf(encoding: string): Charset {
  switch (encoding.toLowerCase().replaceAll('_', '-')) {
    case 'utf-8':
    case 'utf8':
      return 'utf-8';
    case 'binary':
    case 'ascii-8bit':
      return 'binary';
    case 'latin-1':
    case 'latin1':
    case 'iso-8859-1':
    case 'iso8859-1':
      return 'latin-1';
    case 'ascii':
    case 'us-ascii':
      return 'ascii';
    default:
      return 'other';
  }
}

/** A body that no serializer decodes: text in its charset, or the bytes themselves when the encoding is `binary`. */
export function decodeText(body: Buffer, encoding: string): string | Buffer {
  switch (charsetOf(encoding)) {
    case 'binary':
      return body;
    case 'utf-8':
      if (!isUtf8(body)) throw new DecodeError('The body is not valid UTF-8');
      return body.toString();
    case 'latin-1':
      return body.toString('latin1');
    case 'ascii':
      if (body.some((byte) => byte > 0x7f)) throw new DecodeError('The body is not ASCII');
      return body.toString('latin1');
    default:
      return decodeOther(body, encoding);
  }
}

function decodeOther(body: Buffer, encoding: string): string {
  try {
    return new TextDecoder(encoding.replaceAll('_', '-'), { fatal: true }).decode(body);
  } catch (cause) {
    const isUnknown = cause instanceof RangeError;
    const what = isUnknown
      ? `The content encoding ${JSON.stringify(encoding)} is not known`
      : `The body is not valid ${encoding}`;
    throw new DecodeError(what, { cause });
  }
}

/** Text as bytes in a charset: UTF-8, Latin-1, ASCII or UTF-16LE. */
export function encodeText(text: string, encoding: string): Buffer {
  switch (charsetOf(encoding)) {
    case 'utf-8':
    case 'binary':
      return Buffer.from(text);
    case 'latin-1':
      return narrow(text, encoding, 0xff);
    case 'ascii':
      return narrow(text, encoding, 0x7f);
    default:
      if (/^utf-?16-?le$/i.test(encoding)) return Buffer.from(text, 'utf16le');
      throw new EncodeError(`Text cannot be written in the content encoding ${JSON.stringify(encoding)}`);
  }
}

function narrow(text: string, encoding: string, highest: number): Buffer {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > highest) throw new EncodeError(`The text has characters that ${encoding} has not`);
  }
  return Buffer.from(text, 'latin1');
}

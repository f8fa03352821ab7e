import { type AcceptSet, acceptSet, admit } from '../codec/accept.js';
import type { CodecSet } from '../codec/codec-set.js';
import { inflate } from '../codec/payload.js';
import { asKombuError } from '../connection/retry.js';
import { checkPayload } from './check-payload.js';
import type { Message } from './message.js';

/** What a consumer takes: `'any'` (undecoded), names of serializers and MIME types, or what the registry enables (unset). */
export type Accept = readonly string[] | 'any' | undefined;

/**
 * What happens to a message between its delivery and its handler: its type is held against `accept`, then its body is
 * decompressed, then its payload is held against a schema, if there is one. What is wrong with it is kept in the message (`message.failure`).
 */
export class Admission {
  readonly #accept: AcceptSet | 'any';
  readonly #codec: CodecSet;

  /** @throws SerializerNotInstalled for a name in `accept` that nobody registered. */
  constructor(accept: Accept, codec: CodecSet) {
    this.#accept = acceptSet(accept, codec);
    this.#codec = codec;
  }

  /** Loads the serializers that may be needed, where they are optional packages. */
  async prepare(): Promise<void> {
    if (this.#accept === 'any') return;
    const { serializers } = this.#codec;
    const names =
      this.#accept.names ?? serializers.names().filter((name) => serializers.isEnabled(serializers.typeOf(name)));
    await this.#codec.prepare(names);
  }

  /** Makes a message ready; a promise (which never rejects) only where its compression or its schema works asynchronously. */
  admit(message: Message): Promise<void> | undefined {
    const accept = this.#accept;
    if (accept === 'any') return undefined;
    const { schema } = message.owner;
    const inflating = this.#inflate(message, accept);
    if (schema === undefined) return inflating;
    return inflating === undefined
      ? checkPayload(message, schema)
      : inflating.then(() => checkPayload(message, schema));
  }

  #inflate(message: Message, accept: AcceptSet): Promise<void> | undefined {
    const { delivery } = message;
    try {
      admit(delivery, accept);
      const { compression } = delivery.headers;
      if (compression === undefined || compression === null) return undefined;
      const inflated = inflate(message.body, compression, this.#codec);
      if (inflated instanceof Promise) return settleInto(message, inflated);
      message.inflated(inflated);
    } catch (error) {
      message.fail(asKombuError(error, 'decoding the body'));
    }
    return undefined;
  }
}

async function settleInto(message: Message, inflating: Promise<Buffer>): Promise<void> {
  try {
    message.inflated(await inflating);
  } catch (error) {
    message.fail(asKombuError(error, 'decompressing the body'));
  }
}

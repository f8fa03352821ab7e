import type { Headers, MessageProperties } from '../transport/delivery.js';
import type { Content, EncodedBody } from './delivery.js';
import { decodeBody, readEnvelope } from './envelope.js';

/** How every envelope that this package writes begins, and ends after its delivery tag. */
const BEGIN = '{"body":"';
const END = '"}}';
const TAG_KEY = '"delivery_tag":"';
const TAG = /^[\w-]{1,64}$/;

/** Of a longer text nothing is kept: its body would be kept with it. */
const MAX_KEPT = 64 * 1024;

/** What envelopes say that have the same text between body and delivery tag. */
interface Frame {
  readonly text: string;
  readonly queue: string;
  readonly content: Content;
  readonly properties: MessageProperties;
}

/**
 * Opens stored texts. Messages in a row mostly differ in nothing but body and delivery tag: of those only the first is parsed, and
 * the others are known by the text between the two. Only where nothing in there could be changed by whoever gets it: no headers,
 * and properties that are plain values.
 */
export class EnvelopeReader {
  #frame: Frame | undefined;

  /** As {@link readEnvelope}. */
  read(text: string, queue: string, beside?: Readonly<Record<string, unknown>>): Content {
    if (beside !== undefined || !text.startsWith(BEGIN) || !text.endsWith(END))
      return readEnvelope(text, queue, beside);
    const bodyEnd = text.indexOf('"', BEGIN.length);
    const frame = this.#frame;
    if (frame !== undefined && frame.queue === queue && text.startsWith(frame.text, bodyEnd)) {
      const body = text.slice(BEGIN.length, bodyEnd);
      const tag = text.slice(bodyEnd + frame.text.length, -END.length);
      if (TAG.test(tag) && !body.includes('\\')) return new FramedContent(frame, body, tag);
    }
    const content = readEnvelope(text, queue);
    if (text.length <= MAX_KEPT) this.#keep(text, queue, bodyEnd, content);
    return content;
  }

  #keep(text: string, queue: string, bodyEnd: number, content: Content): void {
    const tag = content.deliveryTag;
    if (tag === undefined || content.encoded?.encoding !== 'base64' || content.extra !== undefined) return;
    const end = text.length - END.length - tag.length;
    if (
      !text.startsWith(TAG_KEY + tag, end - TAG_KEY.length) ||
      content.encoded.value !== text.slice(BEGIN.length, bodyEnd)
    ) {
      return;
    }
    if (Object.keys(content.takeHeaders()).length > 0) return;
    const properties = content.takeProperties();
    if (Object.values(properties).some((value) => typeof value === 'object')) return;
    this.#frame = { text: text.slice(bodyEnd, end), queue, content, properties };
  }
}

class FramedContent implements Content {
  readonly deliveryTag: string;
  readonly #frame: Frame;
  readonly #body: string;

  constructor(frame: Frame, body: string, deliveryTag: string) {
    this.#frame = frame;
    this.#body = body;
    this.deliveryTag = deliveryTag;
  }

  get contentType(): string | undefined {
    return this.#frame.content.contentType;
  }
  get contentEncoding(): string | undefined {
    return this.#frame.content.contentEncoding;
  }
  get exchange(): string {
    return this.#frame.content.exchange;
  }
  get routingKey(): string {
    return this.#frame.content.routingKey;
  }
  get redelivered(): boolean {
    return this.#frame.content.redelivered;
  }
  get expiresAt(): number | undefined {
    return this.#frame.content.expiresAt;
  }
  get encoded(): EncodedBody {
    return { value: this.#body, encoding: 'base64' };
  }
  get extra(): undefined {
    return undefined;
  }
  takeHeaders(): Headers {
    return {};
  }
  takeProperties(): MessageProperties {
    return { ...this.#frame.properties };
  }
  readBody(): Uint8Array {
    return decodeBody(this.encoded);
  }
}

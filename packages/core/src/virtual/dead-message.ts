import type { MessageProperties, WireMessage } from '../transport/delivery.js';
import type { Content } from './delivery.js';

/** A dying message as it is published again: new headers, the body untouched and read only if it must be. */
export class DeadMessage implements WireMessage {
  readonly source: Content;
  readonly headers: WireMessage['headers'];
  readonly properties: MessageProperties;

  constructor(source: Content, headers: WireMessage['headers'], properties: MessageProperties) {
    this.source = source;
    this.headers = headers;
    this.properties = properties;
  }

  get contentType(): string | undefined {
    return this.source.contentType;
  }
  get contentEncoding(): string | undefined {
    return this.source.contentEncoding;
  }
  get body(): Uint8Array {
    return this.source.readBody();
  }
}

/** Whether a message is one that core stores again: dead-lettered, or given back by somebody who had taken it for good. */
export function isStoredAgain(message: WireMessage): boolean {
  return message instanceof DeadMessage;
}

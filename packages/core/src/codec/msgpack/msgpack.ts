import { asBuffer } from '../bytes.js';
import type { Serializer } from '../serializer.js';
import { readMsgpack } from './read.js';
import { writeMsgpack } from './write.js';

/** The `msgpack` serializer: the current MessagePack specification, with text and bytes kept apart. Integers have 64 bits at most. */
export function msgpackSerializer(): Serializer {
  return {
    contentType: 'application/x-msgpack',
    contentEncoding: 'binary',
    encode: writeMsgpack,
    decode: (body) => readMsgpack(asBuffer(body)),
  };
}

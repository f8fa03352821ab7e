import { InvalidOptionError } from '../../errors/index.js';
import { asBuffer } from '../bytes.js';
import type { Serializer } from '../serializer.js';
import { readPickle } from './read.js';
import { type PickleProtocol, writePickle } from './write.js';

export type { PickleProtocol } from './write.js';

/** How a {@link pickleSerializer} differs from the default one. */
export interface PickleOptions {
  /** The protocol that is written; 2 to 5 are read in any case. @defaultValue 2, which every Python loads */
  readonly protocol?: PickleProtocol;
}

/**
 * The `pickle` serializer, for plain data only: None, bool, int, float, str, bytes, bytearray, list, tuple, dict and set of
 * protocols 2 to 5 are read; a pickle that names a class or function, or calls one, is a DecodeError before anything is built.
 * It never runs code, here. A Python consumer that accepts pickles does: see the guide.
 */
export function pickleSerializer(options: PickleOptions = {}): Serializer {
  const protocol = options.protocol ?? 2;
  if (![2, 3, 4, 5].includes(protocol)) throw new InvalidOptionError('The pickle protocol must be 2, 3, 4 or 5');
  return {
    contentType: 'application/x-python-serialize',
    contentEncoding: 'binary',
    encode: (value) => writePickle(value, protocol),
    decode: (body) => readPickle(asBuffer(body)),
  };
}

import type { Compression } from '../compression.js';
import { runSteps } from '../steps.js';
import { readAlone } from './alone.js';
import { readXz, XZ_MAGIC } from './xz-reader.js';
import { writeXz } from './xz-writer.js';

/** LZMA: written as .xz, as Python's `lzma.compress` does; .xz and the legacy .lzma are read. */
export function lzmaCompression(): Compression {
  return {
    contentType: 'application/x-lzma',
    aliases: ['lzma', 'xz'],
    compress: (body) => runSteps(writeXz(body)),
    decompress(body, maxBytes) {
      const isXz = body.subarray(0, XZ_MAGIC.length).equals(XZ_MAGIC);
      return runSteps(isXz ? readXz(body, maxBytes) : readAlone(body, maxBytes));
    },
  };
}

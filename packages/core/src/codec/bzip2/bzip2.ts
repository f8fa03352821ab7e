import type { Compression } from '../compression.js';
import { runSteps } from '../steps.js';
import { readBzip2 } from './reader.js';
import { writeBzip2 } from './writer.js';

/** bzip2, written and read by the code in this folder; see the decision record on bzip2 for why. */
export function bzip2Compression(): Compression {
  return {
    contentType: 'application/x-bz2',
    aliases: ['bzip2', 'bzip'],
    compress: (body) => runSteps(writeBzip2(body)),
    decompress: (body, maxBytes) => runSteps(readBzip2(body, maxBytes)),
  };
}

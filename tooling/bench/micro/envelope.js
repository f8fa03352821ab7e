import { body } from '../runners/message.js';
import { core, loop } from './core.js';

const HEADERS = Object.freeze({});
const PROPERTIES = Object.freeze({ deliveryMode: 2, priority: 0 });

/**
 * The JSON envelope that Redis, SQS and the file system store: written with the headers of the message before, and with new ones,
 * and read as far as a handler needs it.
 */
export default async function cases() {
  const { EnvelopeFrames, readEnvelope } = await core('virtual/envelope.js');
  const writes = [];
  const reads = [];
  for (const [name, bytes] of [
    ['130 B', undefined],
    ['10 KiB', 10_240],
  ]) {
    const shared = {
      body: Buffer.from(JSON.stringify(body(1, bytes))),
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    };
    const frames = new EnvelopeFrames('base64');
    const write = (i, message) => frames.writer(message, 'media', 'encode').write(`tag-${i}`, undefined);
    const same = { ...shared, headers: HEADERS, properties: PROPERTIES };
    const text = write(1, same);
    if (!Buffer.from(readEnvelope(text, 'q').readBody()).equals(shared.body)) {
      throw new Error('the body did not come back');
    }
    writes.push(
      { group: 'envelope, write', name: `body of ${name}`, run: loop((i) => write(i, same)) },
      {
        group: 'envelope, write',
        name: `body of ${name}, headers of its own`,
        run: loop((i) => write(i, { ...shared, headers: { i }, properties: { deliveryMode: 2, priority: 0 } })),
      },
    );
    reads.push({
      group: 'envelope, read',
      name: `body of ${name}`,
      run: loop(() => {
        const content = readEnvelope(text, 'q');
        content.takeHeaders();
        content.takeProperties();
        return content.readBody();
      }),
    });
  }
  return [...writes, ...reads];
}

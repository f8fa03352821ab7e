import { body } from '../runners/message.js';
import { core, loop } from './core.js';

/** The JSON envelope that Redis, SQS and the file system store: written, and read as far as a handler needs it. */
export default async function cases() {
  const { EnvelopeWriter, readEnvelope } = await core('virtual/envelope.js');
  const list = [];
  for (const [name, bytes] of [
    ['130 B', undefined],
    ['10 KiB', 10_240],
  ]) {
    const message = {
      body: Buffer.from(JSON.stringify(body(1, bytes))),
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      headers: {},
      properties: { deliveryMode: 2, priority: 0 },
    };
    const write = (i) => new EnvelopeWriter(message, 'media', 'encode', 'base64').write(`tag-${i}`, undefined);
    const text = write(1);
    if (!Buffer.from(readEnvelope(text, 'q').readBody()).equals(message.body))
      throw new Error('the body did not come back');
    list.push(
      { group: 'envelope, write', name: `body of ${name}`, run: loop(write) },
      {
        group: 'envelope, read',
        name: `body of ${name}`,
        run: loop(() => {
          const content = readEnvelope(text, 'q');
          content.takeHeaders();
          content.takeProperties();
          return content.readBody();
        }),
      },
    );
  }
  return list.sort((a, b) => a.group.localeCompare(b.group));
}

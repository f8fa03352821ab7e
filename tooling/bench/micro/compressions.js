import { createCompressionRegistry } from '@kombu/core';
import { body } from '../runners/message.js';
import { asyncLoop } from './core.js';

const MAX_BYTES = 1 << 26;

/** Every compression with a list of 75 small tasks, about 10 KiB of JSON. */
export default async function cases() {
  const registry = createCompressionRegistry();
  const bytes = Buffer.from(JSON.stringify(Array.from({ length: 75 }, (_, i) => body(i))));
  const list = [];
  for (const type of registry.encoders()) {
    await registry.prepare([type]);
    const { body: compressed, contentType } = await registry.compress(bytes, type);
    const back = await registry.decompress(compressed, contentType, MAX_BYTES);
    if (!bytes.equals(back)) throw new Error(`${type}: the bytes did not come back`);
    const name = `${type.replace('application/', '')} (${Math.round((compressed.length / bytes.length) * 100)} %)`;
    list.push(
      { group: 'compress 10 KiB', name, run: asyncLoop(() => registry.compress(bytes, type)) },
      {
        group: 'decompress 10 KiB',
        name,
        run: asyncLoop(() => registry.decompress(compressed, contentType, MAX_BYTES)),
      },
    );
  }
  return list.sort((a, b) => a.group.localeCompare(b.group));
}

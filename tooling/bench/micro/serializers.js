import { createSerializerRegistry } from '@kombu/core';
import { body } from '../runners/message.js';
import { loop } from './core.js';

/** Every serializer with the body of the other benchmarks, as a Producer and a Message use them. */
export default async function cases() {
  const registry = createSerializerRegistry();
  const list = [];
  const bare = JSON.stringify(body(1));
  list.push(
    { group: 'encode', name: 'bare JSON.stringify', run: loop((i) => Buffer.from(JSON.stringify(body(i)))) },
    { group: 'decode', name: 'bare JSON.parse', run: loop(() => JSON.parse(bare)) },
  );
  for (const name of ['json', 'msgpack', 'yaml', 'pickle']) {
    await registry.prepare([name]);
    const { body: encoded, contentType, contentEncoding } = registry.dumps(body(1), name);
    const options = { accept: [contentType] };
    const back = registry.loads(encoded, contentType, contentEncoding, options);
    if (JSON.stringify(back) !== bare) throw new Error(`${name}: the value did not come back`);
    list.push(
      { group: 'encode', name, run: loop((i) => registry.dumps(body(i), name)) },
      { group: 'decode', name, run: loop(() => registry.loads(encoded, contentType, contentEncoding, options)) },
    );
  }
  return list.sort((a, b) => b.group.localeCompare(a.group));
}

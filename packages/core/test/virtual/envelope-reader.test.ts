import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Content } from '../../src/virtual/delivery.js';
import { EnvelopeFrames, readEnvelope } from '../../src/virtual/envelope.js';
import { EnvelopeReader } from '../../src/virtual/envelope-reader.js';
import { TagSource } from '../../src/virtual/tag-source.js';
import { message } from './support/level1.js';

const seed = Number(process.env.KOMBU_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

function said(content: Content) {
  let body: string;
  try {
    body = Buffer.from(content.readBody()).toString('hex');
  } catch (error) {
    body = String(error);
  }
  const { contentType, contentEncoding, exchange, routingKey, redelivered, expiresAt, deliveryTag, encoded, extra } =
    content;
  const [headers, properties] = [content.takeHeaders(), content.takeProperties()];
  return {
    ...{ contentType, contentEncoding, exchange, routingKey, redelivered, expiresAt, deliveryTag, encoded, extra },
    ...{ headers, properties, body },
  };
}

describe('envelopes in a row', () => {
  it('say what each says by itself, whatever it is like and came before it', () => {
    const properties = fc.record(
      { priority: fc.integer({ min: 0, max: 9 }), correlationId: fc.string(), x: fc.constant({ deep: 1 }) },
      { requiredKeys: [] },
    );
    const headers = fc.oneof(fc.constant({}), fc.record({ a: fc.string(), redelivered: fc.boolean() }));
    const sent = fc.record({
      ...{ body: fc.uint8Array({ maxLength: 20 }), properties, headers },
      ...{ key: fc.constantFrom('k', 'k2'), encoding: fc.constantFrom('base64' as const, 'utf-8' as const) },
      expires: fc.option(fc.constantFrom(1, 2), { nil: undefined }),
      damage: fc.constantFrom('', '', '', '', '\\', '"', '}', ' ', 'x'),
      at: fc.nat(400),
    });
    fc.assert(
      fc.property(fc.array(sent, { minLength: 2, maxLength: 30 }), (all) => {
        const reader = new EnvelopeReader();
        const tags = new TagSource();
        const frames = { base64: new EnvelopeFrames('base64'), 'utf-8': new EnvelopeFrames('utf-8') };
        for (const one of all) {
          const plain = message('', { ...one, body: Buffer.from(one.body), contentType: 'application/data' });
          const whole = frames[one.encoding].writer(plain, 'media', one.key).write(tags.next(), one.expires);
          const text = whole.slice(0, one.at) + one.damage + whole.slice(one.at);
          expect(said(reader.read(text, 'q'))).toEqual(said(readEnvelope(text, 'q')));
        }
      }),
      { seed, numRuns: 300 },
    );
  });

  it('have headers and properties of their own', () => {
    const reader = new EnvelopeReader();
    const frames = new EnvelopeFrames('base64');
    const text = (tag: string) => frames.writer(message('a'), 'media', 'k').write(tag, undefined);
    const contents = ['t1', 't2', 't3'].map((tag) => reader.read(text(tag), 'q'));
    for (const content of contents) {
      expect(content.takeHeaders()).toEqual({});
      content.takeHeaders().mine = true;
      content.takeProperties().mine = true;
    }
    expect(reader.read(text('t4'), 'q').takeHeaders()).toEqual({});
    expect(reader.read(text('t4'), 'q').takeProperties()).not.toHaveProperty('mine');
    expect(reader.read(text('t4'), 'other').deliveryTag).toBe('t4');
  });
});

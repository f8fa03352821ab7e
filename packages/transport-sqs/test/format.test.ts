import { readFileSync } from 'node:fs';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Exchange, KombuError, Queue } from '@kombu/core';
import { readBody, sizeOf, writeAttributes, writeBody } from '../src/message-body.js';
import { canonicalName } from '../src/names.js';
import { allowTopic } from '../src/queue-policy.js';
import { startService } from './support/sqs.js';

const service = await startService();
const golden = JSON.parse(readFileSync(new URL('./golden/sqs-5.5.3.json', import.meta.url), 'utf8')).cases;

afterAll(() => service.close());

/** An envelope without what differs from message to message. */
function normal(body: string): unknown {
  const json = JSON.parse(Buffer.from(body, 'base64').toString());
  json.properties.delivery_tag = 'tag';
  json.body = JSON.parse(Buffer.from(json.body, 'base64').toString());
  return json;
}

describe('what is stored is what Python Kombu stores', () => {
  it('the name of a queue, its attributes and a message', async () => {
    const connection = service.connect({}, { queueNamePrefix: 'pre-' });
    const media = new Exchange('media', { type: 'direct' });
    const video = new Queue('video.hd', { exchange: media, routingKey: 'video' });
    const producer = connection.producer({ exchange: media, routingKey: 'video' });
    await producer.publish({ a: 1 }, { priority: 5, headers: { h: 1 }, declare: [video] });

    const { server } = service;
    const client = new SQSClient({
      endpoint: `http://127.0.0.1:${server.port}`,
      region: 'us-east-1',
      credentials: server,
      useQueueUrlAsEndpoint: false,
    });
    const path = (url: string): string => url.split('/').at(-1) as string;
    const QueueUrl = `http://127.0.0.1:${server.port}/000000000000/${path(golden.urls[0])}`;
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    expect(Attributes?.VisibilityTimeout).toBe(golden.attrs.VisibilityTimeout);
    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(normal(Messages?.[0]?.Body ?? '')).toEqual(normal(golden.msg.Body));
    client.destroy();
  });
});

describe('names', () => {
  it.each([
    ['', 'a.b:c/d-e_f@g+h', 'a-b_c_d-e_f_g_h'],
    ['', 'x.y.fifo', 'x-y.fifo'],
    ['pre.', 'a.b', 'pre-a-b'],
    ['', '!"#$%&\'()*+,/:;<=>?@[\\]^`{|}~', '_'.repeat(29)],
    ['', 'x'.repeat(80), 'x'.repeat(80)],
  ])('%j + %j is %j', (prefix, name, canonical) => expect(canonicalName(prefix, name)).toBe(canonical));

  it.each(['with space', 'ü', '', '.fifo', 'x'.repeat(81)])('%j is refused', (name) => {
    expect(() => canonicalName('', name)).toThrow(KombuError);
  });
});

describe('bodies', () => {
  const envelope = '{"body":"ü \u{1F600} \uFFFE","properties":{}}';

  it('come back as they were, plain and as base64', () => {
    for (const base64 of [true, false]) {
      const body = writeBody(envelope, base64);
      expect(JSON.parse(readBody(body))).toEqual(JSON.parse(envelope));
      // What SQS takes.
      expect(body).not.toMatch(/[\uD800-\uDFFF\uFFFE\uFFFF]/);
    }
  });

  it.each(['hello', 'eyJub3QganNvbg', 'e30', '{"plain": "json"}', 'SGVsbG8=', 'eyJ=', 'e===', '', 'eyJh\nIjox'])(
    '%j is no envelope in base64, and left as it is',
    (body) => expect(readBody(body)).toBe(body),
  );

  it('attributes are given the type that fits, and are counted', () => {
    const attributes = writeAttributes(
      { t: 'ü', n: 12n, b: Buffer.from('xy'), raw: { DataType: 'String.my', StringValue: 'z' } },
      'it',
    );
    expect(attributes).toEqual({
      t: { DataType: 'String', StringValue: 'ü' },
      n: { DataType: 'Number', StringValue: '12' },
      b: { DataType: 'Binary', BinaryValue: Buffer.from('xy') },
      raw: { DataType: 'String.my', StringValue: 'z' },
    });
    expect(sizeOf('ü', attributes)).toBe(2 + (1 + 6 + 2) + (1 + 6 + 2) + (1 + 6 + 2) + (3 + 9 + 1));
    expect(writeAttributes(undefined, 'it')).toBeUndefined();
    expect(writeAttributes({}, 'it')).toBeUndefined();
    for (const bad of ['text', [1], { x: null }, { x: {} }]) {
      expect(() => writeAttributes(bad, 'it')).toThrow(KombuError);
    }
    const polluted = writeAttributes(JSON.parse('{"__proto__": "x"}'), 'it');
    expect(({} as { DataType?: unknown }).DataType).toBeUndefined();
    expect(Object.keys(polluted ?? {})).toEqual(['__proto__']);
  });
});

describe('policies of queues', () => {
  it('let each topic send once, and keep what others wrote', () => {
    const others = { Sid: 'Mine', Effect: 'Allow' };
    const first = allowTopic(JSON.stringify({ Version: '2008-10-17', Statement: others }), 'arn:queue', 'arn:a');
    const second = allowTopic(first, 'arn:queue', 'arn:b') as string;
    expect(allowTopic(second, 'arn:queue', 'arn:a')).toBeUndefined();
    const { Version, Statement } = JSON.parse(second);
    expect([Version, Statement.length, Statement[0]]).toEqual(['2008-10-17', 2, others]);
    expect(Statement[1]).toEqual({
      Sid: 'KombuManaged',
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: 'SQS:SendMessage',
      Resource: 'arn:queue',
      Condition: { ArnLike: { 'aws:SourceArn': ['arn:a', 'arn:b'] } },
    });
    expect(JSON.parse(allowTopic(undefined, 'arn:queue', 'arn:a') as string).Statement).toHaveLength(1);
  });
});

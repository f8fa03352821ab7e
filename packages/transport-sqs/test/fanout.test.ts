import {
  CreateTopicCommand,
  ListSubscriptionsByTopicCommand,
  ListSubscriptionsCommand,
  ListTopicsCommand,
  SNSClient,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import { DeleteQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Connection, Exchange, Queue } from '@kombu/core';
import { sqs } from '../src/index.js';
import { startService, WAIT_MS } from './support/sqs.js';

jest.setTimeout(30_000);

const service = await startService();
const { server } = service;
const settings = { endpoint: `http://127.0.0.1:${server.port}`, region: 'us-east-1', credentials: server };
const sns = new SNSClient(settings);
const client = new SQSClient(settings);
const here = service.connect({}, { supportsFanout: true });
// Another address is another broker: what was declared there is not known here, as in another process.
const there = new Connection(server.url.replace('127.0.0.1', 'localhost'), {
  transport: sqs,
  transportOptions: { waitTimeMs: WAIT_MS, supportsFanout: true },
});

afterAll(async () => {
  sns.destroy();
  client.destroy();
  await there.close();
  await service.close();
});

const topics = async (): Promise<string[]> => {
  const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
  return Topics.map(({ TopicArn = '' }) => TopicArn);
};
const subscribed = async (topic: string): Promise<string[]> => {
  const TopicArn = `arn:aws:sns:us-east-1:000000000000:${topic}`;
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  return Subscriptions.map(({ Endpoint = '' }) => Endpoint.split(':').at(-1) as string).sort();
};

async function payloads(connection: Connection, queue: Queue): Promise<unknown> {
  const message = await until(() => queue.bind(connection).get(), { what: `a message is in ${queue.name}` });
  await message.ack({ confirm: true });
  return message.payload;
}

describe('fanout through SNS', () => {
  const news = new Exchange('news.all', { type: 'fanout' });
  const [a, b] = [new Queue('news-a', { exchange: news }), new Queue('news-b', { exchange: news })];

  it('is published once and reaches the queues of every process', async () => {
    await a.bind(here).declare();
    await b.bind(there).declare();
    expect(await subscribed('news-all')).toEqual(['news-a', 'news-b']);
    const calls = await service.counted(async () => {
      await here.producer({ exchange: news }).publish({ extra: 'ü😀' }, { headers: { h: 1 } });
    });
    expect(calls).toEqual({ PublishBatch: 1 });
    expect([await payloads(here, a), await payloads(there, b)]).toEqual([{ extra: 'ü😀' }, { extra: 'ü😀' }]);
  });

  it('publishes many in batches, and refuses what SNS does not take', async () => {
    const producer = here.producer({ exchange: news });
    const calls = await service.counted(() =>
      Promise.all(Array.from({ length: 25 }, (_, n) => producer.publish({ n }))),
    );
    expect(calls).toEqual({ PublishBatch: 3 });
    const large = producer.publish(Buffer.alloc(200_000));
    await expect(large).rejects.toMatchObject({ code: 'ERR_KOMBU_MESSAGE_TOO_LARGE' });
    expect(await a.bind(here).purge()).toBe(25);
  });

  it('subscriptions end with bindings, with queues, and when their queue is found missing', async () => {
    await a.bind(here).unbindFrom(news);
    expect(await subscribed('news-all')).toEqual(['news-b']);
    await a.bind(here).declare();
    await b.bind(there).delete();
    expect(await subscribed('news-all')).toEqual(['news-a']);
    const QueueUrl = `http://127.0.0.1:${server.port}/000000000000/news-a`;
    await client.send(new DeleteQueueCommand({ QueueUrl }));
    await b.bind(there).declare();
    expect(await subscribed('news-all')).toEqual(['news-b']);
  });

  it('topics go with their exchange', async () => {
    expect(await topics()).toContain('arn:aws:sns:us-east-1:000000000000:news-all');
    await news.bind(there).delete();
    expect(await topics()).toEqual([]);
  });

  it('uses topics that were named beforehand, and no others', async () => {
    const { TopicArn: arn = '' } = await sns.send(new CreateTopicCommand({ Name: 'given' }));
    const connection = service.connect({}, { supportsFanout: true, predefinedExchanges: { mine: { arn } } });
    const mine = new Exchange('mine', { type: 'fanout' });
    const queue = new Queue('of-mine', { exchange: mine });
    await queue.bind(connection).declare();
    await connection.producer({ exchange: mine }).publish({ n: 1 });
    expect(await payloads(connection, queue)).toEqual({ n: 1 });
    const other = new Queue('of-other', { exchange: new Exchange('other', { type: 'fanout' }) });
    await expect(other.bind(connection).declare()).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    await mine.bind(connection).delete();
    expect(await topics()).toEqual([arn]);
  });

  it('FIFO topics keep the order into FIFO queues, whoever publishes how fast', async () => {
    const line = new Exchange('line.fifo', { type: 'fanout' });
    const queue = new Queue('of-line.fifo', { exchange: line });
    await queue.bind(here).declare();
    const producer = here.producer({ exchange: line });
    const sent: Promise<void>[] = [];
    for (let n = 0; n < 30; n++) {
      sent.push(producer.publish({ n }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(sent);
    for (let n = 0; n < 30; n++) expect(await payloads(here, queue)).toEqual({ n });
  });

  it('several topics may send to one queue, also where they are bound to it at the same time', async () => {
    const exchanges = ['left', 'right', 'middle'].map((name) => new Exchange(name, { type: 'fanout' }));
    const queue = new Queue('of-all');
    await queue.bind(here).declare();
    await Promise.all(exchanges.map((exchange) => exchange.bind(here).declare()));
    await Promise.all(exchanges.map((exchange) => queue.bind(here).bindTo(exchange)));
    const QueueUrl = `http://127.0.0.1:${server.port}/000000000000/of-all`;
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }));
    const [{ Condition }] = JSON.parse(Attributes?.Policy ?? '').Statement;
    expect(Condition.ArnLike['aws:SourceArn'].sort()).toEqual(
      ['left', 'middle', 'right'].map((name) => `arn:aws:sns:us-east-1:000000000000:${name}`),
    );
    for (const exchange of exchanges) await exchange.bind(here).delete();
  });

  it('a queue that is made again is subscribed again', async () => {
    const again = new Exchange('again', { type: 'fanout' });
    const queue = new Queue('of-again', { exchange: again });
    await queue.bind(here).declare();
    const QueueUrl = `http://127.0.0.1:${server.port}/000000000000/of-again`;
    await client.send(new DeleteQueueCommand({ QueueUrl }));
    const { Subscriptions = [] } = await sns.send(new ListSubscriptionsCommand({}));
    for (const { SubscriptionArn, Endpoint } of Subscriptions) {
      if (Endpoint?.endsWith(':of-again')) await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
    }
    await queue.bind(here).declare();
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }));
    expect(Attributes?.Policy).toContain(':again');
    await here.producer({ exchange: again }).publish({ n: 1 });
    expect(await payloads(here, queue)).toEqual({ n: 1 });
    await again.bind(here).delete();
  });

  it('two bindings are one subscription, which ends with the second', async () => {
    const twice = new Exchange('twice', { type: 'fanout' });
    const queue = new Queue('of-twice');
    await queue.bind(here).declare();
    await twice.bind(here).declare();
    for (const routingKey of ['a', 'b']) await queue.bind(here).bindTo(twice, { routingKey });
    expect(await subscribed('twice')).toEqual(['of-twice']);
    await queue.bind(here).unbindFrom(twice, { routingKey: 'a' });
    expect(await subscribed('twice')).toEqual(['of-twice']);
    await queue.bind(here).unbindFrom(twice, { routingKey: 'b' });
    expect(await subscribed('twice')).toEqual([]);
    await twice.bind(here).delete();
  });

  it('what is too large fails alone', async () => {
    const mixed = new Exchange('mixed', { type: 'fanout' });
    const queue = new Queue('of-mixed', { exchange: mixed });
    await queue.bind(here).declare();
    const producer = here.producer({ exchange: mixed });
    const bodies = [Buffer.from('1'), Buffer.alloc(200_000), Buffer.from('3')];
    const ended = await Promise.allSettled(bodies.map((body) => producer.publish(body)));
    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(ended[1]).toMatchObject({ reason: { code: 'ERR_KOMBU_MESSAGE_TOO_LARGE' } });
    expect(await queue.bind(here).purge()).toBe(2);
    await mixed.bind(here).delete();
  });
});

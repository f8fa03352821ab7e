import { readFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTo, createServer as createPlainServer } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { GetQueueAttributesCommand, ListQueueTagsCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, makeCertificates, startSqs, temporaryFolder } from '@kombu/brokers';
import { Connection, type ConnectionOptions, Exchange, Queue } from '@kombu/core';
import { type SqsOptions, sqs } from '../src/index.js';
import { startService, WAIT_MS } from './support/sqs.js';

jest.setTimeout(30_000);

const service = await startService();
const { server } = service;
const folder = await temporaryFolder('kombu-sqs-tls');
const certificates = await makeCertificates(folder.path);
const { env } = process;
const address = `127.0.0.1:${server.port}`;

afterEach(() => {
  process.env = env;
});
afterAll(async () => {
  await service.close();
  await folder.remove();
});

function open(url: string, transportOptions: SqsOptions = {}, options: ConnectionOptions = {}): Connection {
  return new Connection(url, {
    transport: sqs,
    ...options,
    transportOptions: { waitTimeMs: WAIT_MS, ...transportOptions },
  });
}

/** Publishes and gets one message. */
async function works(connection: Connection, name: string): Promise<void> {
  const queue = new Queue(name);
  await connection.producer().publish({ it: 'works' }, { routingKey: name, declare: [queue] });
  const message = await queue.bind(connection).get();
  expect(message?.payload).toEqual({ it: 'works' });
  await message?.ack();
  await connection.close();
}

describe('where and who', () => {
  it('keys from the environment, for sqs:// and an endpoint', async () => {
    process.env = { ...env, AWS_ACCESS_KEY_ID: 'kombu', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-central-1' };
    await works(open('sqs://', { endpoint: `http://${address}` }), 'by-environment');
  });

  it('no keys at all are an AuthenticationError', async () => {
    process.env = { PATH: env.PATH, AWS_EC2_METADATA_DISABLED: 'true', HOME: folder.path };
    await using connection = open(`sqs://${address}`);
    await expect(connection.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED' });
  });

  it('keys with characters that a URL quotes', async () => {
    const other = await startSqs({ accessKeys: ['a+b'] });
    await works(open(`sqs://a%2Bb:s%2Fx@127.0.0.1:${other.port}`), 'quoted');
    await other.close();
  });

  it('the region of the options, and of the SDK else', async () => {
    for (const [region, expected] of [
      ['eu-west-1', 'eu-west-1'],
      [undefined, 'us-east-1'],
    ] as const) {
      process.env = { PATH: env.PATH, HOME: folder.path };
      await using connection = open(server.url, region === undefined ? {} : { region });
      await connection.connect();
      const client = connection.driver as SQSClient;
      expect(await client.config.region()).toBe(expected);
    }
  });

  it('TLS, by isSecure and by tls', async () => {
    if (isUnavailable(certificates)) throw new Error(certificates.unavailable);
    const ca = readFileSync(certificates.caFile);
    const relay: Server = createServer(
      { key: readFileSync(certificates.keyFile), cert: readFileSync(certificates.certFile) },
      (socket) => {
        const plain = connectTo(server.port, '127.0.0.1');
        socket.pipe(plain).pipe(socket);
        for (const [one, other] of [
          [socket, plain],
          [plain, socket],
        ] as const) {
          one.on('error', () => other.destroy());
        }
      },
    );
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const { port } = relay.address() as AddressInfo;
    const url = `sqs://kombu:secret@127.0.0.1:${port}`;
    await works(open(url, {}, { tls: { ca } }), 'by-tls');
    // Certificates are always verified.
    await using untrusted = open(url, { isSecure: true });
    await expect(untrusted.connect({ timeoutMs: 3000 })).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED' });
    relay.close();
  });

  it('a role, whose keys are used for everything else', async () => {
    const stsRoleArn = 'arn:aws:iam::123456789012:role/kombu';
    const calls = await service.counted(() => works(open(server.url, { stsRoleArn }), 'by-role'));
    expect(calls.AssumeRole).toBe(1);
  });

  it('SNS and STS elsewhere', async () => {
    const other = await startService();
    const elsewhere = `http://127.0.0.1:${other.server.port}`;
    const stsRoleArn = 'arn:aws:iam::123456789012:role/kombu';
    await using byRole = open(server.url, { stsRoleArn, stsEndpoint: elsewhere });
    // Keys of another service's role.
    await expect(byRole.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED' });
    await using fanout = open(server.url, { supportsFanout: true, snsEndpoint: elsewhere });
    const exchange = new Exchange('elsewhere-too', { type: 'fanout' });
    await exchange.bind(fanout).declare();
    await fanout.producer({ exchange }).publish({ n: 1 });
    const calls = await other.server.calls();
    expect([calls.AssumeRole, calls.PublishBatch, calls.ListQueues]).toEqual([1, 1, undefined]);
    await other.close();
  });

  it('something else that listens there is no timeout', async () => {
    const redis = createPlainServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.resetAndDestroy());
    });
    await new Promise<void>((resolve) => redis.listen(0, '127.0.0.1', resolve));
    const { port } = redis.address() as AddressInfo;
    await using connection = open(`sqs://kombu:secret@127.0.0.1:${port}`);
    await expect(connection.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED' });
    redis.close();
  });

  it('other keys for one queue', async () => {
    await new Queue('elsewhere').bind(service.connect()).declare();
    const url = `http://${address}/000000000000/elsewhere`;
    const keys = { accessKeyId: 'kombu', secretAccessKey: 'secret' };
    const predefinedQueues = { elsewhere: { url, ...keys } };
    await works(open(`sqs://nobody:x@${address}`, { predefinedQueues }), 'elsewhere');
    await using connection = open(`sqs://nobody:x@${address}`, { predefinedQueues: { elsewhere: { url } } });
    await expect(connection.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED' });
  });
});

describe('queues', () => {
  const client = new SQSClient({ endpoint: `http://${address}`, region: 'us-east-1', credentials: server });
  const urlOf = (name: string): string => `http://${address}/000000000000/${name}`;

  afterAll(() => client.destroy());

  it('are made with attributes, tags and arguments, under their prefix', async () => {
    const connection = service.connect(
      {},
      {
        queueNamePrefix: 'app.',
        visibilityTimeoutMs: 45_000,
        queueAttributes: { MessageRetentionPeriod: 86_400, ReceiveMessageWaitTimeSeconds: '5' },
        queueTags: { team: 'kombu' },
      },
    );
    const RedrivePolicy = { deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead', maxReceiveCount: 5 };
    const jobs = new Queue('jobs', { queueArguments: { DelaySeconds: 2, RedrivePolicy } });
    await jobs.bind(connection).declare();
    const QueueUrl = urlOf('app-jobs');
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    expect(Attributes).toMatchObject({
      VisibilityTimeout: '45',
      MessageRetentionPeriod: '86400',
      ReceiveMessageWaitTimeSeconds: '5',
      DelaySeconds: '2',
      RedrivePolicy: JSON.stringify(RedrivePolicy),
    });
    expect((await client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ team: 'kombu' });
    // One that is there is used as it is.
    const other = service.connect({}, { queueNamePrefix: 'app.', visibilityTimeoutMs: 1000 });
    await jobs.bind(other).declare();
  });

  it('take options from the URL under the names and in the units of Python', async () => {
    const url = `${server.url}?queue_name_prefix=py-&wait_time_seconds=1&visibility_timeout=77&sqs_base64_encoding=false`;
    await using connection = new Connection(url, { transport: sqs });
    await connection.producer().publish({ n: 1 }, { routingKey: 'q', declare: [new Queue('q')] });
    const QueueUrl = urlOf('py-q');
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    expect(Attributes?.VisibilityTimeout).toBe('77');
    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(JSON.parse(Messages?.[0]?.Body ?? '')).toMatchObject({ 'content-type': 'application/json' });
  });

  it('that would be one queue at SQS are refused, as are names that it does not take', async () => {
    const connection = service.connect();
    await new Queue('x.y').bind(connection).declare();
    await connection.producer().publish({ n: 1 }, { routingKey: 'x.y' });
    const twin = new Queue('x-y').bind(connection);
    const taken = { code: 'ERR_KOMBU_PRECONDITION_FAILED', message: expect.stringContaining("queues 'x.y' and 'x-y'") };
    await expect(twin.delete()).rejects.toMatchObject(taken);
    await expect(twin.purge()).rejects.toMatchObject(taken);
    expect((await new Queue('x.y').bind(connection).get({ noAck: true }))?.payload).toEqual({ n: 1 });
    for (const name of ['x-y', 'a b', 'ü']) {
      await expect(new Queue(name).bind(connection).declare()).rejects.toMatchObject({
        code: 'ERR_KOMBU_PRECONDITION_FAILED',
      });
    }
  });

  it('that were not named beforehand are NOT_FOUND', async () => {
    const predefinedQueues = { 'app-here': { url: urlOf('app-jobs') } };
    const connection = service.connect({}, { predefinedQueues, queueNamePrefix: 'app-' });
    await new Queue('here').bind(connection).declare();
    await expect(new Queue('there').bind(connection).declare()).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
    const publish = connection.producer().publish({}, { routingKey: 'there' });
    await expect(publish).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
  });
});

describe('what makes no sense is an InvalidOptionError', () => {
  it.each<[string, SqsOptions]>([
    ['waitTimeMs', { waitTimeMs: 20 }],
    ['waitTimeMs', { waitTimeMs: 21_000 }],
    ['visibilityTimeoutMs', { visibilityTimeoutMs: 43_201_000 }],
    ['backoffPolicy', { backoffPolicy: { 1: 10 } }],
    ['backoffPolicy', { predefinedQueues: { a: { url: 'http://x/a', backoffPolicy: { 1: 10 } } } }],
    ['endpoint', { endpoint: 'localhost:4566' }],
    ['snsEndpoint', { snsEndpoint: 'localhost:4566' }],
    ['stsEndpoint', { stsEndpoint: 'localhost:4566' }],
    ['predefinedQueues', { predefinedQueues: { a: { url: 'a' } } }],
    ['.fifo', { predefinedQueues: { 'a.fifo': { url: 'http://x/a' } } }],
    ['predefinedExchanges', { supportsFanout: true, predefinedExchanges: { a: { arn: 'a' } } }],
    ['access key', { predefinedQueues: { a: { url: 'http://x/a', accessKeyId: 'k' } } }],
  ])('%s: %j', async (named, transportOptions) => {
    const connecting = async (): Promise<void> => {
      await using connection = open(server.url, transportOptions);
      await connection.connect();
    };
    const error = await connecting().catch((e: Error) => e);
    expect(error).toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    expect(String(error)).toContain(named);
  });

  it('virtual hosts, and half a key', async () => {
    for (const url of [`${server.url}/somewhere`, `sqs://kombu@${address}`]) {
      await using connection = open(url);
      await expect(connection.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    }
  });

  it('an attribute that SQS does not have', async () => {
    const connection = service.connect({}, { queueAttributes: { Color: 'red' } });
    await expect(new Queue('colored').bind(connection).declare()).rejects.toMatchObject({
      code: 'ERR_KOMBU_INVALID_OPTION',
    });
    const misspelled = new Queue('misspelled', { queueArguments: { MessageRetentionPeriodd: 86_400 } });
    await expect(misspelled.bind(service.connect()).declare()).rejects.toMatchObject({
      code: 'ERR_KOMBU_INVALID_OPTION',
      message: expect.stringContaining("queue 'misspelled': SQS has no attribute 'MessageRetentionPeriodd'"),
    });
  });
});

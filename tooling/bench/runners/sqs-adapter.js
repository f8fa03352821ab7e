import { randomUUID } from 'node:crypto';
import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { countCalls } from './http-calls.js';

const BATCH = 10;

function bodyOf(text) {
  const { body } = JSON.parse(Buffer.from(text, 'base64').toString());
  return JSON.parse(Buffer.from(body, 'base64').toString());
}

/**
 * The raw SDK in a bare loop: ten messages a receive, removed ten at a time while the next ones are received. The same envelope, the
 * same body. Publishing is in batches of ten, too, of what is published in one tick. `consumer(onBody, { client, queueUrl, bodyOf })`
 * takes the place of the loop: it gives `stop`, which resolves when the last message is removed, and `over`, which resolves some time
 * after that, when the last receive has ended.
 */
export function sdkAdapter(consumer) {
  let settings;
  let client;
  let QueueUrl;
  let waiting = [];
  let last;

  function envelope(body) {
    const json = JSON.stringify({
      body: Buffer.from(JSON.stringify(body)).toString('base64'),
      'content-encoding': 'utf-8',
      'content-type': 'application/json',
      headers: {},
      properties: {
        delivery_mode: 2,
        delivery_info: { exchange: '', routing_key: settings.id },
        priority: 0,
        body_encoding: 'base64',
        delivery_tag: randomUUID(),
      },
    });
    return Buffer.from(json).toString('base64');
  }

  async function send(batch) {
    const Entries = batch.map(({ MessageBody }, i) => ({ Id: String(i), MessageBody }));
    const { Failed } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    for (const { resolve, reject } of batch) (Failed?.length ? reject : resolve)();
  }

  function flush() {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += BATCH) void send(all.slice(at, at + BATCH));
  }

  return {
    calls: countCalls(),
    async open(given) {
      settings = given;
      const { hostname, port, username, password } = new URL(settings.url);
      client = new SQSClient({
        endpoint: `http://${hostname}:${port}`,
        region: 'us-east-1',
        credentials: { accessKeyId: username, secretAccessKey: password },
        useQueueUrlAsEndpoint: false,
      });
      ({ QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: settings.id })));
    },
    clear: () => client.send(new PurgeQueueCommand({ QueueUrl })),
    publish: (body) =>
      new Promise((resolve, reject) => {
        if (waiting.push({ MessageBody: envelope(body), resolve, reject }) === 1) setImmediate(flush);
      }),
    async counts() {
      const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
      return {
        stored: Number(Attributes.ApproximateNumberOfMessages),
        inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
      };
    },
    async consume(onBody) {
      if (consumer !== undefined) {
        const { stop, over } = consumer(onBody, { client, queueUrl: QueueUrl, bodyOf });
        last = over;
        return stop;
      }
      let going = true;
      const removing = new Set();
      last = (async () => {
        while (going) {
          const { Messages = [] } = await client.send(
            new ReceiveMessageCommand({
              QueueUrl,
              MaxNumberOfMessages: BATCH,
              WaitTimeSeconds: 1,
              VisibilityTimeout: 60,
            }),
          );
          const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
          if (Messages.length === 0) continue;
          // What comes now is for the next one to measure.
          if (!going) {
            const back = Entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
            await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries: back }));
            continue;
          }
          for (const { Body } of Messages) onBody(bodyOf(Body));
          const removed = client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
          removing.add(removed);
          void removed.then(() => removing.delete(removed));
          if (removing.size > 8) await Promise.race(removing);
        }
      })();
      return async () => {
        going = false;
        await Promise.all(removing);
      };
    },
    // The receive that still waits.
    release: () => last,
    async close() {
      await client.send(new DeleteQueueCommand({ QueueUrl }));
      client.destroy();
    },
  };
}

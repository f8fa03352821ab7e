// sqs-consumer as its manual advises for throughput: batches of ten, handled and removed as a whole. Publishing is the raw SDK's.
import { once } from 'node:events';
import { Consumer } from 'sqs-consumer';
import { run } from './scenarios.js';
import { sdkAdapter } from './sqs-adapter.js';

function consume(onBody, { client, queueUrl, bodyOf }) {
  const consumer = Consumer.create({
    queueUrl,
    sqs: client,
    batchSize: 10,
    waitTimeSeconds: 1,
    pollingCompleteWaitTimeMs: 5_000,
    async handleMessageBatch(messages) {
      for (const { Body } of messages) onBody(bodyOf(Body));
      return messages;
    },
  });
  let failed;
  for (const event of ['error', 'processing_error']) {
    consumer.on(event, (error) => {
      failed ??= error;
    });
  }
  // A batch is over when it has been removed.
  let batch;
  consumer.on('message_received', () => {
    batch ??= once(consumer, 'response_processed').then(() => {
      batch = undefined;
    });
  });
  const over = once(consumer, 'stopped');
  consumer.start();
  return {
    over,
    async stop() {
      await batch;
      consumer.stop();
      if (failed !== undefined) throw failed;
    },
  };
}

await run(sdkAdapter(consume));

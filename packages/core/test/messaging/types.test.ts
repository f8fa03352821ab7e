import { expect, it } from '@jest/globals';
import { type Consumer, type Message, Queue } from '../../src/index.js';
import { openMemory } from '../support/memory.js';

interface Video {
  name: string;
}

it('types payloads by the queue, or by the consumer', async () => {
  const { connection } = openMemory();
  const video = new Queue<Video>('video');
  const plain = new Queue('plain');
  const byQueue: Consumer<Video> = connection.consumer({ queues: [video] });
  const bySingle: Consumer<Video> = connection.consumer({
    queues: video,
    onMessage: (message) => message.payload.name,
  });
  const byBound: Consumer<Video> = connection.consumer({ queues: [video.bind(connection)] });
  const byConsumer: Consumer<Video> = connection.consumer<Video>({ queues: [plain] });
  const unknown: Consumer<unknown> = connection.consumer({ queues: [plain] });
  const either: Consumer<Video | number> = connection.consumer<Video | number>({
    queues: [video, new Queue<number>('n')],
    callbacks: [(body: Video | number) => body],
    onError: async () => {
      await Promise.resolve();
      return 'reject';
    },
  });
  connection.consumer({ queues: [plain], onError: (error) => void error });
  connection.consumer({ queues: [plain], onError: () => 'ack' });
  const widened: Message<unknown> | undefined = undefined as Message<Video> | undefined;
  // @ts-expect-error: nothing is known of this payload
  connection.consumer({ queues: [plain], onMessage: (message) => message.payload.name });
  // @ts-expect-error: an unbound queue has no such method
  expect(() => video.purge()).toThrow('not bound');
  expect([byQueue, bySingle, byBound, byConsumer, unknown, either]).toHaveLength(6);
  expect(widened).toBeUndefined();
  await connection.close();
});

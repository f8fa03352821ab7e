import { type Connection, Exchange, Queue } from '@kombu/core';

/** What is said of a video. */
export interface Video {
  readonly name: string;
  readonly size: number;
}

const media = new Exchange('media', { type: 'direct', durable: true });
const video = new Queue<Video>('video', { exchange: media, routingKey: 'video' });

/** Publishes a message, and handles it as it comes back. */
export async function quickOverview(connection: Connection): Promise<Video> {
  const producer = connection.producer({ serializer: 'json' });
  await producer.publish(
    { name: '/tmp/lolcat1.avi', size: 1301013 },
    { exchange: media, routingKey: 'video', declare: [video] },
  );
  for await (const message of connection.consumer({ queues: [video], accept: ['json'] })) {
    await message.ack();
    return message.payload;
  }
  throw new Error('the consumer was closed');
}

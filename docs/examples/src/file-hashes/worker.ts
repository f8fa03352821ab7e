import type { Connection, Consumer, Message } from '@kombu/core';
import { hashFile } from './files.js';
import { entities, type Task } from './job.js';

/** What a worker is started with. */
export interface WorkerOptions {
  readonly id: string;
  readonly name: string;
  readonly prefetchCount: number;
  /** Asked before each task; true: keep the task, unsettled, and do nothing with it. */
  readonly hold?: () => boolean;
}

/**
 * Starts a worker: it takes a task, hashes the file, answers to the task's reply queue, and only then acknowledges. A worker
 * that dies in between leaves its tasks with the broker, which gives them to another.
 */
export async function startWorker(connection: Connection, options: WorkerOptions): Promise<Consumer<Task>> {
  const { tasks } = entities(options.id);
  const producer = connection.producer({ autoDeclare: false });

  const work = async (message: Message<Task>): Promise<void> => {
    if (options.hold?.()) return;
    const { root, file } = message.payload;
    const result = await hashFile(root, file);
    await producer.publish(
      { file, ...result, worker: options.name, redelivered: message.deliveryInfo.redelivered },
      {
        routingKey: message.properties.replyTo ?? '',
        correlationId: message.properties.correlationId ?? '',
        retry: true,
      },
    );
    await message.ack();
  };

  const consumer = connection.consumer<Task>({
    queues: [tasks],
    prefetchCount: options.prefetchCount,
    accept: ['json'],
    onMessage: work,
  });
  await consumer.consume();
  return consumer;
}

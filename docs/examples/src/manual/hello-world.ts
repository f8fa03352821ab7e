import type { Connection } from '@kombu/core';

/** Sends a greeting; returns it. */
export async function sendHello(connection: Connection, now = new Date()): Promise<string> {
  await using queue = connection.simpleQueue<string>('simple_queue');
  const message = `hello world, sent at ${now.toISOString()}`;
  await queue.put(message);
  return message;
}

/** Receives a greeting. */
export async function receiveHello(connection: Connection): Promise<string> {
  await using queue = connection.simpleQueue<string>('simple_queue');
  const message = await queue.get({ timeoutMs: 5000 });
  await message.ack();
  return message.payload;
}

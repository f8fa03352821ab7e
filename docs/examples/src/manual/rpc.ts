import { type Connection, type ConsumerFactory, ConsumerProducerMixin, type Message, Queue } from '@kombu/core';

/** What is asked. */
export interface FibonacciRequest {
  readonly n: number;
}

/** Where it is asked. */
export const rpcQueue = new Queue<FibonacciRequest>('rpc_queue');

/** Answers requests, one after the other, over a connection of its own for the answers. */
export class FibonacciWorker extends ConsumerProducerMixin {
  readonly connection: Connection;

  constructor(connection: Connection) {
    super();
    this.connection = connection;
  }

  getConsumers(consumer: ConsumerFactory) {
    return [
      consumer<FibonacciRequest>({
        queues: [rpcQueue],
        accept: ['json'],
        prefetchCount: 1,
        onMessage: (message) => this.#answer(message),
      }),
    ];
  }

  async #answer(message: Message<FibonacciRequest>): Promise<void> {
    const { replyTo, correlationId } = message.properties;
    await this.producer.publish(
      { result: fibonacci(message.payload.n) },
      { routingKey: String(replyTo), correlationId: String(correlationId), serializer: 'json', retry: true },
    );
    await message.ack();
  }
}

/** Asks, and waits for the answer. */
export async function askFibonacci(connection: Connection, n: number): Promise<number> {
  await using client = connection.rpcClient({ timeoutMs: 10_000 });
  const { result } = await client.call<{ result: number }>(rpcQueue, { n });
  return result;
}

function fibonacci(n: number): number {
  let [a, b] = [0, 1];
  for (let i = 0; i < n; i++) [a, b] = [b, a + b];
  return a;
}

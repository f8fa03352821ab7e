import {
  type Connection,
  type ConsumerFactory,
  ConsumerMixin,
  Exchange,
  type Message,
  producers,
  Queue,
} from '@kombu/core';

/** A function to be called somewhere else, by its name. */
export interface Task {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** The functions that may be called. */
export type Tasks = Readonly<Record<string, (...args: never[]) => unknown>>;

const exchange = new Exchange('tasks', { type: 'direct' });
const queues = ['hipri', 'midpri', 'lopri'].map((name) => new Queue<Task>(name, { exchange, routingKey: name }));
const ROUTING_KEYS = { high: 'hipri', mid: 'midpri', low: 'lopri' } as const;

/** Has a function called by a worker: the priority is a queue. */
export async function sendTask(
  connection: Connection,
  name: string,
  args: readonly unknown[] = [],
  priority: keyof typeof ROUTING_KEYS = 'mid',
): Promise<void> {
  await producers.get(connection).use((producer) =>
    producer.publish({ name, args } satisfies Task, {
      serializer: 'json',
      compression: 'bzip2',
      exchange,
      declare: queues,
      routingKey: ROUTING_KEYS[priority],
    }),
  );
}

/** Calls functions: those of the queue with the highest priority have a channel, and a share of the work, of their own. */
export class Worker extends ConsumerMixin {
  readonly connection: Connection;
  readonly #tasks: Tasks;

  constructor(connection: Connection, tasks: Tasks) {
    super();
    this.connection = connection;
    this.#tasks = tasks;
  }

  getConsumers(consumer: ConsumerFactory) {
    const onMessage = (message: Message<Task>): Promise<void> => this.#process(message);
    return queues.map((queue) => consumer<Task>({ queues: [queue], accept: ['json'], prefetchCount: 1, onMessage }));
  }

  async #process(message: Message<Task>): Promise<void> {
    const { name, args } = message.payload;
    const task = Object.hasOwn(this.#tasks, name) ? this.#tasks[name] : undefined;
    try {
      await task?.(...(args as never[]));
    } catch (error) {
      this.connection.logger.error(`the task ${name} failed`, error);
    }
    await message.ack();
  }
}

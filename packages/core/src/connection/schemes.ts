/** What is known of a scheme before its transport is loaded. */
export interface KnownScheme {
  /** The name of the transport: `@kombu/transport-<name>` exports it under this name. */
  readonly transport: string;
  /** Undefined: there is no port. */
  readonly defaultPort: number | undefined;
}

const known = (transport: string, defaultPort?: number): KnownScheme => ({ transport, defaultPort });

/** The schemes of this project's own transports, which are loaded when they are needed. */
export const KNOWN_SCHEMES: ReadonlyMap<string, KnownScheme> = new Map([
  ['amqp', known('amqp', 5672)],
  ['amqps', known('amqp', 5671)],
  ['pyamqp', known('amqp', 5672)],
  ['librabbitmq', known('amqp', 5672)],
  ['redis', known('redis', 6379)],
  ['rediss', known('redis', 6379)],
  ['redis+socket', known('redis')],
  ['sentinel', known('redis', 26379)],
  ['sqs', known('sqs')],
  ['filesystem', known('filesystem')],
  ['mongodb', known('mongodb', 27017)],
  ['mongodb+srv', known('mongodb')],
  ['zookeeper', known('zookeeper', 2181)],
  ['etcd', known('etcd', 2379)],
  ['etcds', known('etcd', 2379)],
  ['consul', known('consul', 8500)],
]);

/** The npm package of one of this project's transports. */
export function packageOf(transport: string): string {
  return `@kombu/transport-${transport}`;
}

import type { Channel as TransportChannel } from '../transport/channel.js';
import { consoleLogger, type Logger } from '../util/logger.js';

/** What the environment asks to be logged to stderr. */
export interface TraceSettings {
  /** Every call on a channel. */
  readonly channel: boolean;
  /** Links: made, lost, replaced. */
  readonly connection: boolean;
}

/** Reads `KOMBU_LOG_CHANNEL`, `KOMBU_LOG_CONNECTION` and `KOMBU_LOG_DEBUG` (both); `0`, `false` and empty are off. */
export function traceSettings(env: NodeJS.ProcessEnv = process.env): TraceSettings {
  const on = (name: string) => !['', '0', 'false', 'no', 'off'].includes((env[name] ?? '').toLowerCase());
  const all = on('KOMBU_LOG_DEBUG');
  return { channel: all || on('KOMBU_LOG_CHANNEL'), connection: all || on('KOMBU_LOG_CONNECTION') };
}

/** The logger of a connection: the user's, and stderr where the environment asks for it. */
export function tracingLogger(logger: Logger, settings: TraceSettings): Logger {
  if (!settings.connection) return logger;
  const stderr = consoleLogger('debug');
  const both =
    (level: keyof Logger) =>
    (message: string, ...details: unknown[]) => {
      logger[level](message, ...details);
      stderr[level](message, ...details);
    };
  return { debug: both('debug'), info: both('info'), warn: both('warn'), error: both('error') };
}

const TRACED = [
  'declareExchange',
  'deleteExchange',
  'declareQueue',
  'deleteQueue',
  'purgeQueue',
  'bindQueue',
  'unbindQueue',
  'bindExchange',
  'unbindExchange',
  'publish',
  'consume',
  'setPrefetch',
  'setChannelPrefetch',
  'cancel',
  'get',
  'settle',
  'recover',
  'close',
] as const satisfies readonly (keyof TransportChannel)[];

/**
 * A level-1 channel that logs every call. Arguments are shown by name, never by content: bodies, headers and credentials do
 * not appear.
 */
export function traceChannel(channel: TransportChannel, label: string, logger: Logger): TransportChannel {
  const traced: Record<string, unknown> = Object.create(channel);
  Object.defineProperty(traced, 'closed', { value: channel.closed });
  for (const name of TRACED) {
    const method = channel[name] as ((...args: unknown[]) => unknown) | undefined;
    if (method === undefined) continue;
    traced[name] = (...args: unknown[]) => {
      logger.debug(`${label} ${name}(${describe(name, args)})`);
      return method.apply(channel, args);
    };
  }
  return traced as unknown as TransportChannel;
}

function describe(method: (typeof TRACED)[number], [first, second]: readonly unknown[]): string {
  if (method === 'publish') {
    const { exchange, routingKey } = second as { exchange: string; routingKey: string };
    return `${JSON.stringify(exchange)}, ${JSON.stringify(routingKey)}, ${(first as { body: Uint8Array }).body.length} bytes`;
  }
  if (method === 'settle')
    return `${JSON.stringify((first as { deliveryTag: unknown }).deliveryTag)}, ${String(second)}`;
  if (typeof first === 'string') return JSON.stringify(first);
  if (typeof first !== 'object' || first === null) return '';
  const shown = ['name', 'type', 'queue', 'tag', 'exchange', 'source', 'destination', 'routingKey', 'passive'];
  const given = first as Record<string, unknown>;
  return shown
    .filter((name) => given[name] !== undefined && typeof given[name] !== 'object')
    .map((name) => `${name}: ${JSON.stringify(given[name])}`)
    .join(', ');
}

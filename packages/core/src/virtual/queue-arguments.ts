import { ChannelError, NotSupportedError } from '../errors/index.js';
import type { TransportCapabilities } from '../transport/capabilities.js';
import type { Arguments } from '../transport/channel.js';
import type { QueueLimits } from './driver.js';
import type { QueueRecord } from './topology-store.js';

/** What the x-arguments of a queue ask for, checked. */
export interface QueueSettings {
  readonly messageTtlMs: number | undefined;
  readonly expiresMs: number | undefined;
  readonly limits: QueueLimits | undefined;
  readonly maxPriority: number;
  readonly deadLetterExchange: string | undefined;
  readonly deadLetterRoutingKey: string | undefined;
}

const NONE: QueueSettings = {
  messageTtlMs: undefined,
  expiresMs: undefined,
  limits: undefined,
  maxPriority: 9,
  deadLetterExchange: undefined,
  deadLetterRoutingKey: undefined,
};

function refuse(queue: string, name: string, wanted: string): never {
  throw new ChannelError('PRECONDITION_FAILED', `argument ${name} of queue '${queue}' must be ${wanted}`);
}

function integer(queue: string, args: Arguments, name: string, least: number): number | undefined {
  const value = args[name];
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < least) {
    return refuse(queue, name, `an integer of at least ${least}`);
  }
  return number;
}

function text(queue: string, args: Arguments, name: string): string | undefined {
  const value = args[name];
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : refuse(queue, name, 'a string');
}

/** Reads the x-arguments of a queue; PRECONDITION_FAILED for values that no queue can have. */
export function queueSettings(queue: string, args: Arguments): QueueSettings {
  let any = false;
  for (const name in args) if (name.startsWith('x-')) any = true;
  if (!any) return NONE;
  const maxLength = integer(queue, args, 'x-max-length', 0);
  const maxLengthBytes = integer(queue, args, 'x-max-length-bytes', 0);
  const deadLetterExchange = text(queue, args, 'x-dead-letter-exchange');
  const deadLetterRoutingKey = text(queue, args, 'x-dead-letter-routing-key');
  if (deadLetterRoutingKey !== undefined && deadLetterExchange === undefined) {
    refuse(queue, 'x-dead-letter-routing-key', 'absent where there is no x-dead-letter-exchange');
  }
  const limited = maxLength !== undefined || maxLengthBytes !== undefined;
  return {
    messageTtlMs: integer(queue, args, 'x-message-ttl', 0),
    expiresMs: integer(queue, args, 'x-expires', 1),
    limits: limited ? { maxLength, maxLengthBytes, discard: deadLetterExchange === undefined } : undefined,
    maxPriority: Math.min(integer(queue, args, 'x-max-priority', 0) ?? 9, 9),
    deadLetterExchange,
    deadLetterRoutingKey,
  };
}

/** Settings of a queue that was stored by whoever: arguments that make no sense count as absent. */
export function settingsOf(record: QueueRecord | undefined): QueueSettings {
  if (record === undefined) return NONE;
  try {
    return queueSettings(record.name, record.arguments);
  } catch {
    return NONE;
  }
}

/** Throws NotSupportedError for an argument that asks for more than this transport can do. */
export function checkSupported(
  transport: string,
  capabilities: TransportCapabilities,
  queue: string,
  args: Arguments,
): void {
  const needs: readonly (readonly [string, boolean])[] = [
    ['x-message-ttl', capabilities.queueTtl],
    ['x-expires', capabilities.queueExpiry],
    ['x-max-length', capabilities.maxLength],
    ['x-max-length-bytes', capabilities.maxLength],
    ['x-max-priority', capabilities.priorities > 0],
    ['x-dead-letter-exchange', capabilities.deadLetter],
    ['x-overflow', args['x-overflow'] === 'drop-head'],
    ['x-single-active-consumer', args['x-single-active-consumer'] === false],
  ];
  for (const [name, supported] of needs) {
    if (!supported && args[name] !== undefined && args[name] !== null) {
      throw new NotSupportedError(`${transport} does not support ${name} (queue '${queue}')`);
    }
  }
}

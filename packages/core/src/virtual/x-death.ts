import type { Headers } from '../transport/delivery.js';

/** Why a message left its queue. */
export type DeathReason = 'rejected' | 'expired' | 'maxlen';

/** One entry of the `x-death` header: a queue and a reason, the latest first. */
export interface Death {
  readonly count: number;
  readonly exchange: string;
  readonly queue: string;
  readonly reason: string;
  readonly 'routing-keys': readonly string[];
  /** Whole seconds since the Unix epoch, of the first such death. */
  readonly time: number;
  /** The `expiration` that the message had. */
  readonly 'original-expiration'?: string;
}

function isDeath(value: unknown): value is Death {
  return typeof value === 'object' && value !== null && 'queue' in value && 'reason' in value;
}

/** How often, whoever says so: anything but a number is 0. */
function countOf(value: unknown): number {
  if (typeof value === 'bigint' || typeof value === 'string') return Number(value) || 0;
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

/** The entries of an `x-death` header, whoever wrote it. */
export function deathsOf(headers: Headers): readonly Death[] {
  const deaths = headers['x-death'];
  return Array.isArray(deaths) ? deaths.filter(isDeath) : [];
}

/**
 * The headers of a message after one more death, as RabbitMQ writes them: the entry of this queue and reason moves to the
 * front and is counted up, and the first death of all is kept in `x-first-death-*`.
 */
export function withDeath(headers: Headers, death: Omit<Death, 'count'>): Headers {
  const earlier = deathsOf(headers);
  const same = earlier.find((one) => one.queue === death.queue && one.reason === death.reason);
  const count = countOf(same?.count);
  const entry: Death = same === undefined ? { count: 1, ...death } : { ...same, count: count + 1 };
  return {
    'x-first-death-exchange': death.exchange,
    'x-first-death-queue': death.queue,
    'x-first-death-reason': death.reason,
    ...headers,
    'x-death': [entry, ...earlier.filter((one) => one !== same)],
  };
}

/**
 * Whether a message that dies would come to `queue` in a circle that no consumer had a part in: it was there before, and
 * nobody has rejected it since. RabbitMQ drops such a message, so that it does not go round for ever.
 */
export function isCycle(queue: string, deaths: readonly Death[]): boolean {
  const at = deaths.findIndex((death) => death.queue === queue);
  return at >= 0 && deaths.slice(0, at + 1).every((death) => death.reason !== 'rejected');
}

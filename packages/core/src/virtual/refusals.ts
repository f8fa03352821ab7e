import { ChannelError } from '../errors/index.js';
import type { Arguments } from '../transport/channel.js';
import { recordDifference } from './record-difference.js';

/** There is no such exchange or queue. */
export function notFound(what: 'exchange' | 'queue', name: string): ChannelError {
  return new ChannelError('NOT_FOUND', `there is no ${what} '${name}'`);
}

/** The queue is another connection's own. */
export function locked(queue: string): ChannelError {
  return new ChannelError('RESOURCE_LOCKED', `queue '${queue}' belongs to another connection`);
}

/** PRECONDITION_FAILED unless what is declared is just as it was declared before. */
export function checkEqual<R extends { readonly name: string; readonly arguments: Arguments }>(
  what: 'exchange' | 'queue',
  stored: R,
  wanted: R,
  fields: readonly (keyof R & string)[],
): void {
  const difference = recordDifference(stored, wanted, fields);
  if (difference === undefined) return;
  throw new ChannelError('PRECONDITION_FAILED', `${what} '${wanted.name}' was declared with another ${difference}`);
}

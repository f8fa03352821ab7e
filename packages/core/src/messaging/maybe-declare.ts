import { CALL_OPTION_NAMES } from '../connection/call-options.js';
import type { Channel } from '../connection/channel.js';
import type { CallOptions } from '../connection/deadlines.js';
import { ENSURE_INTERVALS, type RetryPolicy, retryOverTime } from '../connection/retry.js';
import { BoundExchange } from '../entity/bound-exchange.js';
import { BoundQueue } from '../entity/bound-queue.js';
import { Exchange } from '../entity/exchange.js';
import { Queue } from '../entity/queue.js';
import { InvalidOptionError } from '../errors/index.js';
import { checkOptionNames } from '../util/check-options.js';
import type { Entity } from './publish-options.js';

/** How {@link maybeDeclare} declares. */
export interface MaybeDeclareOptions extends CallOptions {
  /** Tries again after a lost link; true, or how. Default false. */
  retry?: boolean | RetryPolicy | undefined;
}

const NAMES = new Set([...CALL_OPTION_NAMES, 'retry']);

/**
 * Declares an exchange, or a queue with its exchange and bindings, unless that was done on the current link already. What may go
 * away by itself (auto-delete, exclusive, expiring) is declared every time. Resolves with whether anything was declared.
 */
export async function maybeDeclare(
  entity: Entity,
  channel: Channel,
  options: MaybeDeclareOptions = {},
): Promise<boolean> {
  checkOptionNames('maybeDeclare', options, NAMES);
  const { retry, ...call } = options;
  if (isDeclared(entity, channel)) return false;
  await declareAll([entity], channel, call, retryPolicyOf(retry));
  return true;
}

/** Whether there is nothing to declare, or it was on the current link. */
export function isDeclared(entity: Entity, channel: Channel): boolean {
  const declaration = declarationOf(entity);
  if (declaration instanceof Exchange) {
    return (
      !declaration.isDeclarable || (declaration.canCacheDeclaration && channel.isDeclared(declaration.declarationKey))
    );
  }
  if (declaration.noDeclare || ('isServerNamed' in entity && entity.isServerNamed)) return true;
  return declaration.canCacheDeclaration && channel.isDeclared(declaration.declarationKey);
}

/** Declares those that are not declared on the current link; with a policy again after a lost link. */
export async function declareAll(
  entities: readonly Entity[],
  channel: Channel,
  call: CallOptions,
  retry: RetryPolicy | undefined,
): Promise<void> {
  if (retry === undefined) {
    await declareEach(entities, channel, call);
    return;
  }
  const timeoutMs = Math.min(call.timeoutMs ?? Number.POSITIVE_INFINITY, retry.timeoutMs ?? Number.POSITIVE_INFINITY);
  const policy: RetryPolicy = {
    ...ENSURE_INTERVALS,
    ...retry,
    timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : undefined,
    signal: call.signal ?? retry.signal,
  };
  await retryOverTime(({ signal }) => declareEach(entities, channel, { signal }), policy, channel.connection.clock);
}

async function declareEach(entities: readonly Entity[], channel: Channel, call: CallOptions): Promise<void> {
  for (const entity of entities) {
    if (isDeclared(entity, channel)) continue;
    const declaration = declarationOf(entity);
    if (declaration instanceof Exchange) await new BoundExchange(declaration, channel).declare(call);
    else if ('rebind' in entity) await entity.rebind(channel).declare(call);
    else await declaration.bind(channel).declare(call);
    if (declaration.canCacheDeclaration) channel.markDeclared(declaration.declarationKey);
  }
}

function declarationOf(entity: Entity): Exchange | Queue {
  if (entity instanceof BoundQueue || entity instanceof BoundExchange) return entity.entity;
  if (entity instanceof Queue || entity instanceof Exchange) return entity;
  throw new InvalidOptionError('only exchanges and queues can be declared');
}

const DEFAULT_POLICY: RetryPolicy = Object.freeze({});

/** What a `retry` option means: true is the default policy. */
export function retryPolicyOf(retry: boolean | RetryPolicy | undefined): RetryPolicy | undefined {
  if (retry === true) return DEFAULT_POLICY;
  return retry === false ? undefined : retry;
}

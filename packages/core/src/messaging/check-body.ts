import { BoundQueue } from '../entity/bound-queue.js';
import { Queue } from '../entity/queue.js';
import { EncodeError } from '../errors/index.js';
import type { SchemaResult, StandardSchema } from '../schema/standard-schema.js';
import { issuesText, validate } from '../schema/validate.js';
import type { MaybePromise } from '../transport/channel.js';
import type { Route } from '../transport/delivery.js';
import type { PreparedMessage } from './prepared-message.js';
import type { Entity, PublishOptions } from './publish-options.js';

/** A message, once its body matches the schemas there are. One that is serialized already cannot be checked. */
export function checkedMessage(
  prepared: MaybePromise<PreparedMessage>,
  body: unknown,
  { exchange, routingKey }: Route,
  { declare = [], contentType }: PublishOptions,
  schema: StandardSchema | undefined,
): MaybePromise<PreparedMessage> {
  const schemas = schema === undefined ? schemasOf(declare, exchange, routingKey) : [schema];
  if (schemas.length === 0 || contentType !== undefined) return prepared;
  const checking = checkBody(body, schemas);
  return checking === undefined ? prepared : (checking as Promise<void>).then(() => prepared);
}

/** The schemas of those queues that a message with this route goes to. */
function schemasOf(declare: readonly Entity[], exchange: string, routingKey: string): StandardSchema[] {
  const schemas: StandardSchema[] = [];
  if (!Array.isArray(declare)) return schemas; // Whoever declares says so.
  for (const entity of declare) {
    const queue = entity instanceof BoundQueue ? entity.entity : entity;
    if (!(queue instanceof Queue) || queue.schema === undefined) continue;
    const direct = exchange === '' && queue.name === routingKey;
    if (direct || (queue.exchange.name === exchange && queue.routingKey === routingKey)) schemas.push(queue.schema);
  }
  return schemas;
}

/**
 * Holds a body against schemas before it is sent; it is sent as it is. A promise only where a schema works asynchronously.
 *
 * @throws EncodeError when it does not match; also as the rejection of that promise
 */
function checkBody(body: unknown, schemas: readonly StandardSchema[]): MaybePromise<void> {
  const pending: Promise<void>[] = [];
  for (const schema of schemas) {
    const result = validated(schema, body);
    if (result instanceof Promise) pending.push(result.then(refuseIssues, threw));
    else refuseIssues(result);
  }
  return pending.length === 0 ? undefined : Promise.all(pending).then(() => {});
}

function validated(schema: StandardSchema, body: unknown): MaybePromise<SchemaResult<unknown>> {
  try {
    return validate(schema, body);
  } catch (error) {
    return threw(error);
  }
}

function threw(cause: unknown): never {
  throw new EncodeError('The schema of a body threw', { cause });
}

function refuseIssues({ issues }: SchemaResult<unknown>): void {
  if (issues === undefined) return;
  throw new EncodeError(`The body does not match its schema: ${issuesText(issues)}`, { cause: issues });
}

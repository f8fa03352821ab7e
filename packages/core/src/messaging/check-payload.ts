import { asKombuError } from '../connection/retry.js';
import { DecodeError, KombuError } from '../errors/index.js';
import type { SchemaResult, StandardSchema } from '../schema/standard-schema.js';
import { issuesText, validate } from '../schema/validate.js';
import type { Message } from './message.js';

/**
 * Holds the payload of a received message against a schema: it becomes what the schema makes of it, or its use throws
 * DecodeError. A promise (which never rejects) only where the schema works asynchronously.
 */
export function checkPayload(message: Message, schema: StandardSchema): Promise<void> | undefined {
  if (message.failure !== undefined) return undefined;
  try {
    const result = validate(schema, message.payload);
    if (result instanceof Promise) return settleInto(message, result);
    settle(message, result);
  } catch (error) {
    fail(message, error);
  }
  return undefined;
}

async function settleInto(message: Message, checking: Promise<SchemaResult<unknown>>): Promise<void> {
  try {
    settle(message, await checking);
  } catch (error) {
    fail(message, error);
  }
}

function settle(message: Message, result: SchemaResult<unknown>): void {
  if (result.issues === undefined) message.checked(result.value);
  else {
    const { issues } = result;
    message.fail(new DecodeError(`The body does not match its schema: ${issuesText(issues)}`, { cause: issues }));
  }
}

/** The body cannot be decoded, which the message knows already; or the schema itself threw. */
function fail(message: Message, error: unknown): void {
  if (message.failure !== undefined) return;
  const known = KombuError.is(error) ? error : new DecodeError('The schema of a body threw', { cause: error });
  message.fail(asKombuError(known, 'checking the body'));
}

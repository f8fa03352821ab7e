import { InvalidOptionError } from '../errors/index.js';
import type { MaybePromise } from '../transport/channel.js';
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js';

/** How many of the things that are wrong are named. */
const NAMED = 5;

/** The schema of an option, checked as far as can be. @throws InvalidOptionError */
export function checkedSchema<S extends StandardSchema | undefined>(owner: string, schema: S): S {
  if (schema === undefined || schema === null) return undefined as S;
  if (typeof (schema as StandardSchema)?.['~standard']?.validate === 'function') return schema;
  throw new InvalidOptionError(`${owner}: 'schema' must be a Standard Schema, as zod, valibot and others make them`);
}

/** What the schema makes of a value; a promise only where the schema works asynchronously. Throws what the schema throws. */
export function validate(schema: StandardSchema, value: unknown): MaybePromise<SchemaResult<unknown>> {
  return schema['~standard'].validate(value);
}

/** What is wrong with a value, in one line, without the value. */
export function issuesText(issues: readonly SchemaIssue[]): string {
  const named = issues.slice(0, NAMED).map(({ path = [], message }) => {
    const where = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
    return where === '' ? message : `${where}: ${message}`;
  });
  const more = issues.length - named.length;
  return named.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

import { type Arguments, InvalidOptionError } from '@kombu/core';

/**
 * A table of arguments in the form that amqplib encodes for RabbitMQ: it has its own notation for dates and 64-bit integers,
 * and takes bytes as Buffer only. Undefined and null entries are left out, as Python leaves out None.
 */
export function toAmqplibTable(table: Arguments): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(table)) {
    if (value !== undefined && value !== null) result[name] = toAmqplibValue(value, name);
  }
  return result;
}

function toAmqplibValue(value: unknown, name: string): unknown {
  switch (typeof value) {
    case 'number':
      // RabbitMQ cannot read the others, and ends the connection over them (541).
      if (!Number.isFinite(value))
        throw new InvalidOptionError(`argument ${name}: ${value} cannot be sent to the broker`);
      return value;
    case 'string':
    case 'boolean':
      return value;
    case 'bigint':
      return { '!': 'int64', value };
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((item) => toAmqplibValue(item, name));
      if (value instanceof Date) return { '!': 'timestamp', value: Math.floor(value.getTime() / 1000) };
      if (value instanceof Uint8Array) return Buffer.from(value);
      return toAmqplibTable(value as Arguments);
    default:
      throw new InvalidOptionError(`argument ${name}: a ${typeof value} cannot be sent to the broker`);
  }
}

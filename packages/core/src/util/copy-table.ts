/** Plain tables and arrays copied, everything else kept. */
function copyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null ? copyTable(value as Record<string, unknown>) : value;
}

/** A copy of a table such as headers, so that whoever has the one cannot change the other. `__proto__` is a name like any. */
export function copyTable(table: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(table);
  if (entries.length === 0) return {};
  for (const entry of entries) entry[1] = copyValue(entry[1]);
  return Object.fromEntries(entries);
}

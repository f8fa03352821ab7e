// JSON as the peer speaks it; the other half is in peer.py.

/** @param {unknown} value @returns {unknown} */
export function toWire(value) {
  if (typeof value === 'bigint') return { $int: String(value) };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Date) return { $datetime: value.toISOString() };
  if (typeof value === 'number' && !Number.isFinite(value)) return { $float: String(value).toLowerCase() };
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (v === undefined ? [] : [[k, toWire(v)]])));
  }
  return value;
}

/** @param {unknown} value @returns {any} */
export function fromWire(value) {
  if (Array.isArray(value)) return value.map(fromWire);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined) {
    const [name, inner] = first;
    if (name === '$int') return BigInt(String(inner));
    if (name === '$bytes') return Buffer.from(String(inner), 'base64');
    if (name === '$datetime') return new Date(String(inner));
  }
  return Object.fromEntries(entries.map(([k, v]) => [k, fromWire(v)]));
}

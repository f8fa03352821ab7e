/** Whether a text is an envelope of a Kombu, as far as can be told without reading it. */
function isEnvelope(text: string): boolean {
  return text.startsWith('{"') && text.includes('"properties"') && text.includes('"body"');
}

/**
 * The envelope, marked as delivered before in the way that Python's own restore does. What no Kombu has written is left as it is:
 * there is no place for a mark in it.
 */
export function flagged(payload: Buffer): Buffer {
  const text = payload.toString('latin1');
  if (!isEnvelope(text) || text.startsWith('{"redelivered":true,')) return payload;
  return Buffer.from(`{"redelivered":true,${text.slice(1)}`, 'latin1');
}

/** When a message expires, by the wall clock; Infinity: never. Only envelopes of ours say so. */
export function expiryOf(payload: Buffer): number {
  const end = payload.subarray(Math.max(0, payload.length - 200)).toString('latin1');
  const expiry = /"expires_at_ms":(\d+),"delivery_tag":"[^"]*"\}\}$/.exec(end)?.[1];
  return expiry === undefined ? Number.POSITIVE_INFINITY : Number(expiry);
}

/** Size of the body in an envelope, in bytes; of what is no envelope, all of it. */
export function bodyBytes(payload: Buffer): number {
  try {
    const { body, properties } = JSON.parse(payload.toString()) as { body?: unknown; properties?: unknown };
    if (typeof body !== 'string') return payload.length;
    const encoding = (properties as { body_encoding?: unknown } | undefined)?.body_encoding;
    return Buffer.byteLength(body, encoding === 'base64' ? 'base64' : 'utf8');
  } catch {
    return payload.length;
  }
}

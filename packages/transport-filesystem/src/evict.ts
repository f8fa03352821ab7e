import { readFileSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import type { QueueLimits, Reserved } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import type { Reservation } from './reservation.js';
import { Taker } from './reserve.js';
import { isMissing } from './translate-error.js';

/** Size of the body in an envelope, in bytes. */
function bodyBytes(text: string): number {
  const { body, properties } = JSON.parse(text) as { body?: unknown; properties?: { body_encoding?: unknown } };
  if (typeof body !== 'string') return 0;
  return Buffer.byteLength(body, properties?.body_encoding === 'base64' ? 'base64' : 'utf8');
}

/**
 * Pushes out of a queue what is more than its limits allow, the first ones first. Every link looks at the whole queue: where two
 * do so at once, each file is pushed out by one of them.
 */
export function createEvict(
  context: DriverContext,
): (queue: string, limits: QueueLimits) => Promise<readonly Reserved[]> {
  const { index, folders, leaseMs } = context;
  const taker = new Taker(context);
  let sizes = new Map<string, number>();

  const sizeOf = (name: string): number => {
    let bytes = sizes.get(name);
    if (bytes !== undefined) return bytes;
    try {
      bytes = bodyBytes(readFileSync(path.join(folders.in, name), 'utf8'));
    } catch (error) {
      if (!isMissing(error) && !(error instanceof SyntaxError)) throw error;
      return 0;
    }
    if (sizes.size >= 100_000) sizes = new Map();
    sizes.set(name, bytes);
    return bytes;
  };

  return async (queue, limits) => {
    const { maxLength = Number.POSITIVE_INFINITY, maxLengthBytes = Number.POSITIVE_INFINITY } = limits;
    const files = [...(await index.current(queue))];
    let count = files.length;
    let bytes = 0;
    if (maxLengthBytes !== Number.POSITIVE_INFINITY) for (const file of files) bytes += sizeOf(file.name);
    const out: Reserved[] = [];
    for (const file of files) {
      if (count <= maxLength && bytes <= maxLengthBytes) break;
      count -= 1;
      if (bytes > 0) bytes -= sizeOf(file.name);
      const reserved = taker.take(file, leaseMs);
      if (reserved === undefined) continue;
      if (limits.discard) unlinkSync(path.join(folders.inFlight, (reserved.token as Reservation).held));
      else out.push(reserved);
    }
    return out;
  };
}

import { randomUUID } from 'node:crypto';

/** A fresh UUIDv4 in its 36-character form. */
export function uuid(): string {
  return randomUUID();
}

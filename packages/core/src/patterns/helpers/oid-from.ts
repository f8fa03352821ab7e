import { defaultObjectIds } from '../../defaults.js';

/**
 * A UUID for this object in this process and thread: the same each time, another for another object or process. Kombu names
 * reply queues so.
 */
export function oidFrom(object: object): string {
  return defaultObjectIds.of(object);
}

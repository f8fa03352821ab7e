/** What is known of when and where an event happened. Made by {@link timetuple}. */
export interface Timetuple<T = unknown> {
  /** The logical clock; 0 or undefined: the process has none. */
  readonly clock: number | undefined;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number;
  /** The process, such as `hostname:pid`. */
  readonly id: string;
  /** Whatever belongs to it. */
  readonly obj: T | undefined;
}

/** Says when and where an event happened; {@link compareTimetuples} puts several of them into order. */
export function timetuple<T = unknown>(
  clock: number | undefined,
  timestamp: number,
  id: string,
  obj?: T | undefined,
): Timetuple<T> {
  return Object.freeze({ clock, timestamp, id, obj });
}

/**
 * The order of two events, for `sort`: by their logical clocks, and of equal ones by the process; by their timestamps where one
 * of them has no logical clock.
 */
export function compareTimetuples(a: Timetuple, b: Timetuple): number {
  if (!a.clock || !b.clock) return a.timestamp - b.timestamp;
  if (a.clock !== b.clock) return a.clock - b.clock;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

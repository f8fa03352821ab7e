/** The target that a comparison or one of its references sets, or undefined. */
export function targetOf({ atLeast, atMost }) {
  if (atLeast === undefined && atMost === undefined) return undefined;
  return { ...(atLeast !== undefined && { atLeast }), ...(atMost !== undefined && { atMost }) };
}

/**
 * Whether a median reaches its target. There is no rounding in favour of anybody.
 *
 * @returns {'met' | 'missed' | undefined} undefined where there is no target
 */
export function verdictOf(median, target) {
  if (target === undefined) return undefined;
  const { atLeast = -Infinity, atMost = Infinity } = target;
  return median >= atLeast && median <= atMost ? 'met' : 'missed';
}

/** `>= 1.3`, `<= 50`. */
export function describeTarget({ atLeast, atMost }) {
  const parts = [];
  if (atLeast !== undefined) parts.push(`>= ${atLeast}`);
  if (atMost !== undefined) parts.push(`<= ${atMost}`);
  return parts.join(' and ');
}

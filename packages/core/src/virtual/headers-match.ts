import { ChannelError } from '../errors/index.js';
import type { Headers } from '../transport/delivery.js';
import type { BindingRecord } from './topology-store.js';

const MODES = ['all', 'any', 'all-with-x', 'any-with-x'] as const;
type Mode = (typeof MODES)[number];

/** How the arguments of a binding to a headers exchange ask for a match; `all` when they do not say. */
function modeOf(binding: BindingRecord): Mode | undefined {
  const mode = binding.arguments['x-match'] ?? 'all';
  return MODES.find((known) => known === mode);
}

/** Throws PRECONDITION_FAILED for an `x-match` that does not exist. */
export function checkHeadersBinding(binding: BindingRecord): void {
  if (modeOf(binding) === undefined) {
    throw new ChannelError(
      'PRECONDITION_FAILED',
      `x-match of the binding of '${binding.destination}' to '${binding.exchange}' must be one of ${MODES.join(', ')}`,
    );
  }
}

/** Whether two header values are the same; tables and arrays by their content, 1 and 1n alike. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a === 'bigint') return typeof b === 'number' && Number.isInteger(b) && a === BigInt(b);
  if (typeof b === 'bigint') return sameValue(b, a);
  if (typeof a === 'number' && typeof b === 'number') return a === b;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Date || b instanceof Date) return a instanceof Date && b instanceof Date && +a === +b;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) && sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

/**
 * Whether a message with these headers is for this binding, as RabbitMQ's headers exchange decides: `all` and `any` leave
 * out arguments that begin with `x-`, the `-with-x` modes only `x-match` itself; an argument without a value asks for the
 * header's presence; `all` of nothing matches everything, `any` of nothing matches nothing.
 */
export function headersMatch(binding: BindingRecord, headers: Headers): boolean {
  const mode = modeOf(binding);
  if (mode === undefined) return false;
  const any = mode === 'any' || mode === 'any-with-x';
  const withX = mode === 'all-with-x' || mode === 'any-with-x';
  for (const [name, wanted] of Object.entries(binding.arguments)) {
    if (name === 'x-match' || (!withX && name.startsWith('x-'))) continue;
    const there = Object.hasOwn(headers, name);
    const matches = there && (wanted === null || wanted === undefined || sameValue(headers[name], wanted));
    if (matches === any) return any;
  }
  return !any;
}

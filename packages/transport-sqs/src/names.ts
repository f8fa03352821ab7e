import { ChannelError } from '@kombu/core';

const FIFO = '.fifo';
/** ASCII punctuation that SQS does not take and Kombu writes as `_`. */
const PUNCTUATION = /[!"#$%&'()*+,/:;<=>?@[\\\]^`{|}~]/g;
const ALLOWED = /^[A-Za-z0-9_-]+$/;
const MAX_LENGTH = 80;

/** Whether a name, of a queue or of a topic, asks for a FIFO one. */
export function isFifo(name: string): boolean {
  return name.endsWith(FIFO);
}

/**
 * The name that a queue has at SQS, after the rules of Python's `canonical_queue_name`: prefix and name, `.` written as `-`, other
 * ASCII punctuation as `_`; a final `.fifo` is kept. Different names may become the same one.
 *
 * @throws ChannelError PRECONDITION_FAILED where SQS does not take the result: spaces, non-ASCII, more than 80 characters
 */
export function canonicalName(prefix: string, name: string): string {
  const whole = prefix + name;
  const fifo = isFifo(whole);
  const bare = fifo ? whole.slice(0, -FIFO.length) : whole;
  const base = bare.replaceAll('.', '-').replace(PUNCTUATION, '_');
  const canonical = fifo ? base + FIFO : base;
  if (!ALLOWED.test(base)) {
    throw new ChannelError(
      'PRECONDITION_FAILED',
      `SQS names have letters, digits, '-' and '_' only, which '${whole}' cannot be written with`,
    );
  }
  if (canonical.length > MAX_LENGTH) {
    throw new ChannelError(
      'PRECONDITION_FAILED',
      `SQS names have at most ${MAX_LENGTH} characters, not ${canonical.length} ('${canonical}')`,
    );
  }
  return canonical;
}

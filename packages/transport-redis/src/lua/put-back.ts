import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Puts messages that were taken for good back on their lists.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5..]: for each message `b` (to the back, flagged as redelivered) or `f` (to the
 * front), its queue, its step and its envelope; those for the front in the order they were served in
 */
export const putBack = script(
  'put-back',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  `
prime()
for a = 5, #ARGV, 4 do
  if ARGV[a] == 'b' then push('LPUSH', ARGV[a + 1], ARGV[a + 2], { redelivered(ARGV[a + 3]) }) end
end
for a = #ARGV - 3, 5, -4 do
  if ARGV[a] == 'f' then push('RPUSH', ARGV[a + 1], ARGV[a + 2], { ARGV[a + 3] }) end
end
`,
);

import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { putLib } from './put-lib.js';
import { script } from './script.js';
import { tableLib } from './table-lib.js';

/**
 * Stores a batch of messages, all or nothing, when the routing tables it was routed by are still the same.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; KEYS[6..], ARGV[5..]: see `putLib`; then for each list its queue, its step, how many
 * messages, and their envelopes, the first to be served first
 *
 * Returns nil, or the changed tables (see `putLib`).
 */
export const put = script(
  'put',
  jsonLib,
  envelopeLib,
  leaseLib,
  tableLib,
  putLib,
  `
while a <= #ARGV do
  local queue, step, n = ARGV[a], ARGV[a + 1], tonumber(ARGV[a + 2])
  local list = list_of(queue, step)
  local length
  for from = a + 3, a + 2 + n, 1000 do
    length = call('LPUSH', list, unpack(ARGV, from, math.min(from + 999, a + 2 + n)))
  end
  if length == n then
    local ttl = call('PTTL', RECORDS .. queue)
    if ttl > 0 then call('PEXPIRE', list, ttl) end
  end
  a = a + 3 + n
end
return nil
`,
);

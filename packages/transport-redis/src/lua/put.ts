import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { putLib } from './put-lib.js';
import { script } from './script.js';
import { tableLib } from './table-lib.js';

/**
 * Stores a batch of messages, all or nothing, when the routing tables it was routed by are still the same.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; KEYS[6..], ARGV[5..]: see `putLib`; then for each list its queue, its step, and the
 * sizes of its envelopes in bytes, joined by commas; then all envelopes in one, the first to be served first
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
local all, at = ARGV[#ARGV], 1
while a < #ARGV do
  local queue, step = ARGV[a], ARGV[a + 1]
  local list = list_of(queue, step)
  local raws, n = {}, 0
  for size in string.gmatch(ARGV[a + 2], '%d+') do
    local to = at + tonumber(size)
    n = n + 1
    raws[n] = sub(all, at, to - 1)
    at = to
  end
  local length
  for from = 1, n, 1000 do length = call('LPUSH', list, unpack(raws, from, math.min(from + 999, n))) end
  if length == n then
    local ttl = call('PTTL', RECORDS .. queue)
    if ttl > 0 then call('PEXPIRE', list, ttl) end
  end
  a = a + 3
end
return nil
`,
);

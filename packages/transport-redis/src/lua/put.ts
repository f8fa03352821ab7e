import { listLib } from './list-lib.js';
import { putLib } from './put-lib.js';
import { script } from './script.js';
import { tableLib } from './table-lib.js';

/**
 * Stores a batch of messages, all or nothing, when the routing tables it was routed by are still the same.
 *
 * KEYS[1..5]: see `leaseLib`; ARGV[1..4]: see `listLib`; KEYS[6..], ARGV[5..]: see `putLib`; then for each list its queue, its
 * step, how many envelopes there are for it, and those, the first to be served first. The server hashes each argument and each
 * piece of text that a script makes, byte by byte: so an envelope is an argument of its own, and nothing is made of it here.
 *
 * Returns nil, or the changed tables (see `putLib`), or false and the numbers (from 1) of lists that are none but something else,
 * joined by commas: what was for those was not stored.
 */
export const put = script(
  'put',
  listLib,
  tableLib,
  putLib,
  `
local number, strange = 0, {}
while a < #ARGV do
  number = number + 1
  local queue, n = ARGV[a], tonumber(ARGV[a + 2])
  local list = list_of(queue, ARGV[a + 1])
  local first, last = a + 3, a + 2 + n
  local length
  for from = first, last, 1000 do
    length = redis.pcall('LPUSH', list, unpack(ARGV, from, math.min(from + 999, last)))
    if type(length) == 'table' then
      if not find(length.err, 'WRONGTYPE', 1, true) then return length end
      strange[#strange + 1] = number
      break
    end
  end
  if length == n then
    local ttl = call('PTTL', RECORDS .. queue)
    if ttl > 0 then call('PEXPIRE', list, ttl) end
  end
  a = last + 1
end
if #strange > 0 then return { false, table.concat(strange, ',') } end
return nil
`,
);

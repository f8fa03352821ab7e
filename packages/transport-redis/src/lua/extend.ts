import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Renews leases, and the moment in `unacked_index` with them, so that Python's visibility timeout starts over too.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5] lease in milliseconds; ARGV[6..]: delivery tag and owner, in turn
 *
 * Returns the numbers (from 0) of the reservations that are not their owner's any more.
 */
export const extend = script(
  'extend',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  `
local lease = tonumber(ARGV[5]) * 1000
local n = (#ARGV - 5) / 2
local tags, stray, lost = {}, {}, {}
for i = 1, n do tags[i] = ARGV[2 * i + 4] end
local marks = call('HMGET', MARKS, unpack(tags))
local scores = call('ZMSCORE', INDEX, unpack(tags))
local index, fresh, leases = {}, {}, {}
local now = micros()
for i = 1, n do
  local owner = ARGV[2 * i + 5]
  local h = held(tags[i], marks[i], scores[i], owner)
  if h then
    local at = now + i
    local k = #index
    index[k + 1], index[k + 2] = at / 1000000, tags[i]
    leases[k + 1], leases[k + 2] = at + lease, tags[i]
    fresh[k + 1] = tags[i]
    fresh[k + 2] = owner .. '|' .. format('%.0f', at) .. '|' .. h.from .. '|' .. h.length .. '|' .. h.step .. '|' .. h.queue
  else
    lost[#lost + 1] = i - 1
    if marks[i] and match(marks[i], '^([^|]*)|') == owner then stray[#stray + 1] = tags[i] end
  end
end
prime()
if #index > 0 then
  call('ZADD', INDEX, 'XX', unpack(index))
  call('HSET', MARKS, unpack(fresh))
  call('ZADD', LEASES, unpack(leases))
end
unmark(stray)
return lost
`,
);

import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { script } from './script.js';

/**
 * Takes up to `max` messages off lists and records each in the same step. An entry is written before its list is cut, so that
 * no error half-way can lose a message.
 *
 * KEYS[1..5]: see `leaseLib`; KEYS[6..]: the lists, in the order of serving
 *
 * ARGV[1..4]: see `leaseLib`; ARGV[5] owner, ARGV[6] max, ARGV[7] lease in milliseconds, ARGV[8] how many bytes to stop after;
 * ARGV[9..]: the queue and the step of each list
 *
 * Returns a flat list: for each message the number of its list (from 1), its delivery tag and its envelope.
 */
export const reserve = script(
  'reserve',
  jsonLib,
  envelopeLib,
  leaseLib,
  `
local owner, max, lease, budget = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local items, cuts = {}, {}
local bytes = 0
prime()
for l = 6, #KEYS do
  local list, queue, step = KEYS[l], ARGV[2 * l - 3], ARGV[2 * l - 2]
  local taken = 0
  while #items < max do
    local want = math.min(max - #items, 16)
    if #items > 0 then want = math.min(max - #items, math.max(1, math.floor((budget - bytes) * #items / (bytes + 1)))) end
    local raws = call('LRANGE', list, -taken - want, -taken - 1)
    for i = #raws, 1, -1 do
      items[#items + 1] = { raw = raws[i], queue = queue, step = step, list = l - 5 }
      bytes = bytes + #raws[i]
    end
    taken = taken + #raws
    if #raws < want then break end
    if bytes >= budget then break end
  end
  if taken > 0 then
    cuts[#cuts + 1] = { list, -taken - 1 }
  end
  if #items >= max or bytes >= budget then break end
end
if #items == 0 then return {} end
record(items, owner, lease)
for i = 1, #cuts do call('LTRIM', cuts[i][1], 0, cuts[i][2]) end
if call('EXISTS', SIZES) == 1 then
  for i = 1, #items do weigh(items[i].queue, -1, -body_bytes(items[i].raw)) end
end
local reply = {}
for i = 1, #items do
  reply[3 * i - 2], reply[3 * i - 1], reply[3 * i] = items[i].list, items[i].tag, items[i].raw
end
return reply
`,
);

import { KEYS_LINE, momentLib, PRIME, weighLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { lazyEnvelopeLib, recordLib, recordOneLib } from './record-lib.js';
import { script } from './script.js';

/**
 * Takes up to `max` messages off lists and records each in the same step. An entry is written before its list is cut, so that
 * no error half-way can lose a message.
 *
 * KEYS[1..5]: see `leaseLib`; KEYS[6..]: the lists, in the order of serving
 *
 * ARGV[1..4]: see `leaseLib`; ARGV[5] owner, ARGV[6] max, ARGV[7] lease in milliseconds, ARGV[8] how many bytes to stop after;
 * ARGV[9] the steps, joined by commas; ARGV[10..]: the queues. The lists are those of all queues for the first step, then for the
 * next
 *
 * Returns nil where there is nothing. Else the lists that messages come from, as text: number (from 1) and how many, in turn; all
 * delivery tags, a quotation mark between them; and the envelopes.
 */
export const reserve = script(
  'reserve',
  listLib,
  KEYS_LINE,
  `
local owner, max, lease, budget = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local raws, homes, cuts = {}, {}, {}
local queues, steps = #ARGV - 9, nil
local count, bytes = 0, 0
${PRIME}
-- How many of so many lists have anything is one question; the others are not asked.
for first = 6, #KEYS, 16 do
  local last = math.min(first + 15, #KEYS)
  local left = call('EXISTS', unpack(KEYS, first, last))
  local l = first - 1
  while left > 0 and l < last do
    l = l + 1
    local list = KEYS[l]
    local home
    local taken = 0
    while count < max do
      local want = math.min(max - count, 16)
      if count > 0 then want = math.min(max - count, math.max(1, math.floor((budget - bytes) * count / (bytes + 1)))) end
      local found = call('LRANGE', list, -taken - want, -taken - 1)
      local n = #found
      if n > 0 and not home then
        local at = l - 6
        if not steps and at >= queues then
          steps = {}
          for step in string.gmatch(ARGV[9], '[^,]+') do steps[#steps + 1] = step end
        end
        local step = at < queues and match(ARGV[9], '^[^,]+') or steps[1 + math.floor(at / queues)]
        home = { queue = ARGV[10 + at % queues], step = step, number = l - 5 }
      end
      for i = n, 1, -1 do
        count = count + 1
        raws[count], homes[count] = found[i], home
        bytes = bytes + #found[i]
      end
      taken = taken + n
      if n < want or bytes >= budget then break end
    end
    if taken > 0 then
      left = left - 1
      cuts[#cuts + 1] = { list, -taken - 1 }
    end
    if count >= max or bytes >= budget then break end
  end
  if count >= max or bytes >= budget then break end
end
if count == 0 then return nil end
local sized = call('EXISTS', SIZES) == 1
if count == 1 and not sized then
  local raw, home = raws[1], homes[1]
  ${recordOneLib}
  if tag then
    call('LTRIM', cuts[1][1], 0, -2)
    return { home.number .. ' 1', tag, raw }
  end
end
`,
  // From here on: an idle consumer asks often for nothing, and is not to pay for functions that it does not call.
  momentLib,
  lazyEnvelopeLib,
  recordLib,
  `
local tags = record(raws, homes, owner, lease)
for i = 1, #cuts do call('LTRIM', cuts[i][1], 0, cuts[i][2]) end
if sized then
  ${weighLib}
  for i = 1, count do weigh(homes[i].queue, -1, -body_bytes(raws[i])) end
end
local runs, run = {}, 0
for i = 1, count do
  run = run + 1
  if homes[i] ~= homes[i + 1] then
    runs[#runs + 1] = homes[i].number .. ' ' .. run
    run = 0
  end
end
return { table.concat(runs, ' '), table.concat(tags, '"'), unpack(raws) }
`,
);

import { momentLib, weighLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { lazyEnvelopeLib } from './record-lib.js';
import { script } from './script.js';

/**
 * Takes up to `max` messages off lists for good, for consumers that do not acknowledge.
 *
 * KEYS[1..5]: see `leaseLib`; KEYS[6..]: the lists, in the order of serving
 *
 * ARGV[1..4]: see `leaseLib`; ARGV[5] max, ARGV[6] how many bytes to stop after; ARGV[7..]: the queues. The lists are those of all
 * queues for the first step, then for the next
 *
 * Returns a flat list: for each message the number of its list (from 1) and its envelope.
 */
export const take = script(
  'take',
  listLib,
  momentLib,
  lazyEnvelopeLib,
  weighLib,
  `
local max, budget = tonumber(ARGV[5]), tonumber(ARGV[6])
local reply = {}
local count, bytes = 0, 0
local sized = call('EXISTS', SIZES) == 1
for l = 6, #KEYS do
  while count < max do
    local want = math.min(max - count, 16)
    if count > 0 then want = math.min(max - count, math.max(1, math.floor((budget - bytes) * count / (bytes + 1)))) end
    local raws = call('RPOP', KEYS[l], want) or {}
    for i = 1, #raws do
      count = count + 1
      bytes = bytes + #raws[i]
      reply[2 * count - 1], reply[2 * count] = l - 5, raws[i]
      if sized then weigh(ARGV[7 + (l - 6) % (#ARGV - 6)], -1, -body_bytes(raws[i])) end
    end
    if #raws < want then break end
    if bytes >= budget then break end
  end
  if count >= max or bytes >= budget then break end
end
return reply
`,
);

import { batchLib } from './batch-lib.js';
import { script } from './script.js';

/**
 * Ends reservations: removes the entries that are still their owner's.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5..]: for each owner its name, how many delivery tags, and those
 *
 * Returns the numbers (from 0) of the reservations that are not their owner's any more; nothing of those was changed.
 */
export const ack = script(
  'ack',
  `
local call = redis.call
local UNACKED, INDEX, MARKS, LEASES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
`,
  batchLib,
  `
local lost, a, number = {}, 5, 0
while a < #ARGV do
  local batch, n = batch_of(ARGV[a]), tonumber(ARGV[a + 1])
  local has, done = batch.has, {}
  for i = a + 2, a + 1 + n do
    local tag = ARGV[i]
    if has[tag] then
      has[tag] = nil
      done[#done + 1] = tag
    else
      lost[#lost + 1] = number
    end
    number = number + 1
  end
  forget(batch, done)
  a = a + 2 + n
end
return lost
`,
);

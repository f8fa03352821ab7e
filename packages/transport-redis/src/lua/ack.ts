import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Ends reservations: removes the entries that are still their owner's.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5..]: delivery tag and owner, in turn
 *
 * Returns the numbers (from 0) of the reservations that are not their owner's any more; nothing of those was changed but our own
 * mark, when a Python process has taken the message over.
 */
export const ack = script(
  'ack',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  `
local n = (#ARGV - 4) / 2
local tags, done, stray, lost = {}, {}, {}, {}
for i = 1, n do tags[i] = ARGV[2 * i + 3] end
local marks = call('HMGET', MARKS, unpack(tags))
local scores = call('ZMSCORE', INDEX, unpack(tags))
for i = 1, n do
  local who, micro = match(marks[i] or '', '^([^|]*)|(%d+)|')
  if who == ARGV[2 * i + 4] then
    if scores[i] and tonumber(scores[i]) == tonumber(micro) / 1000000 then
      done[#done + 1] = tags[i]
    else
      stray[#stray + 1] = tags[i]
      lost[#lost + 1] = i - 1
    end
  else
    lost[#lost + 1] = i - 1
  end
end
forget(done)
unmark(stray)
return lost
`,
);

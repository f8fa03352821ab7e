import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Renews leases, and the moment in `unacked_index` with them, so that Python's visibility timeout starts over too. A lease is that
 * of a whole batch: it is renewed as long as somebody asks for one message of it.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5] lease in milliseconds; ARGV[6..]: for each owner its name, how many delivery
 * tags, and those
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
local lost, a, number = {}, 6, 0
prime()
while a < #ARGV do
  local batch, n = batch_of(ARGV[a]), tonumber(ARGV[a + 1])
  local held = 0
  for i = a + 2, a + 1 + n do
    if batch.has[ARGV[i]] then held = held + 1 else lost[#lost + 1] = number end
    number = number + 1
  end
  if held > 0 then
    local score, now = moment()
    local index = {}
    for i = 1, batch.left do index[2 * i - 1], index[2 * i] = score, batch.members[i] end
    call('ZADD', INDEX, 'XX', unpack(index))
    call('HSET', MARKS, batch.owner, score)
    call('ZADD', LEASES, format('%.0f', now + lease), batch.owner)
  else
    forget(batch, {})
  end
  a = a + 2 + n
end
return lost
`,
);

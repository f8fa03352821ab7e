import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Puts reservations back on their own list: requeued ones to the back, flagged as redelivered; released ones to the front, in
 * the order they were reserved in, as they were. Pushes first, removes the entries then.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5..]: delivery tag, owner and `b` (back) or `f` (front), in turn
 *
 * Returns the numbers (from 0) of the reservations that are not their owner's any more.
 */
export const giveBack = script(
  'give-back',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  `
local n = (#ARGV - 4) / 3
local tags, done, stray, lost = {}, {}, {}, {}
for i = 1, n do tags[i] = ARGV[3 * i + 2] end
local marks = call('HMGET', MARKS, unpack(tags))
local scores = call('ZMSCORE', INDEX, unpack(tags))
local lists, front = {}, {}
for i = 1, n do
  local owner, where = ARGV[3 * i + 3], ARGV[3 * i + 4]
  local h = held(tags[i], marks[i], scores[i], owner)
  local raw = h and raw_of(tags[i], h.length)
  if raw then
    done[#done + 1] = tags[i]
    local name = where .. h.step .. '|' .. h.queue
    local list = lists[name]
    if not list then
      list = { where = where, queue = h.queue, step = h.step }
      lists[name] = list
      lists[#lists + 1] = list
    end
    if where == 'b' then raw = redelivered(raw) end
    list[#list + 1] = { raw = raw, seq = h.seq }
  else
    lost[#lost + 1] = i - 1
    if marks[i] and match(marks[i], '^([^|]*)|') == owner then stray[#stray + 1] = tags[i] end
  end
end
prime()
for l = 1, #lists do
  local list = lists[l]
  if list.where == 'f' then table.sort(list, function(a, b) return a.seq > b.seq end) end
  local raws = {}
  for i = 1, #list do raws[i] = list[i].raw end
  push(list.where == 'f' and 'RPUSH' or 'LPUSH', list.queue, list.step, raws)
end
forget(done)
unmark(stray)
return lost
`,
);

import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Puts reservations back on their own list: requeued ones to the back, flagged as redelivered; released ones to the front, in
 * the order they were reserved in, as they were. Pushes first, removes the entries then.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5..]: for each owner its name, how many delivery tags, and each tag with `b` (back)
 * or `f` (front) before it; no tags at all: everything that the owner has, to the front
 *
 * Returns the numbers (from 0) of the reservations that are not their owner's any more, and the queues of the others.
 */
export const giveBack = script(
  'give-back',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  `
local lists, ended, reply = {}, {}, {}
local function add(where, batch, content, i)
  local place = content.homes[content.places[i]]
  local tag, queue, step = content.tags[i], place[1], place[2]
  local raw = raw_of(tag, content.lengths[i])
  if raw then
    local name = where .. step .. '|' .. queue
    local list = lists[name]
    if not list then
      list = { where = where, queue = queue, step = step }
      lists[name] = list
      lists[#lists + 1] = list
    end
    if where == 'b' then raw = redelivered(raw) end
    list[#list + 1] = { raw = raw, born = content.born, at = i }
  end
  batch.done[#batch.done + 1] = tag
end

local a, number = 5, 0
while a < #ARGV do
  local owner, n = ARGV[a], tonumber(ARGV[a + 1])
  local batch, content = batch_of(owner), content_of(owner)
  batch.done = {}
  ended[#ended + 1] = batch
  local positions = {}
  for i = 1, content and #content.tags or 0 do
    if batch.has[content.tags[i]] then positions[content.tags[i]] = i end
  end
  if n == 0 then
    for _, i in pairs(positions) do add('f', batch, content, i) end
  end
  for k = a + 2, a + 1 + 2 * n, 2 do
    local i = positions[ARGV[k + 1]]
    if i then
      positions[ARGV[k + 1]] = nil
      add(ARGV[k], batch, content, i)
    else
      reply[#reply + 1] = number
    end
    number = number + 1
  end
  a = a + 2 + 2 * n
end
prime()
for l = 1, #lists do
  local list = lists[l]
  if list.where == 'f' then
    table.sort(list, function(x, y) return x.born > y.born or (x.born == y.born and x.at > y.at) end)
  end
  local raws = {}
  for i = 1, #list do raws[i] = list[i].raw end
  push(list.where == 'f' and 'RPUSH' or 'LPUSH', list.queue, list.step, raws)
  reply[#reply + 1] = list.queue
end
for i = 1, #ended do forget(ended[i], ended[i].done) end
return reply
`,
);

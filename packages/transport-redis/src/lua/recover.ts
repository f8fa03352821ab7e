import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Puts reservations of ours whose lease has ended back to the front of their own list, flagged as redelivered, newest first, so
 * that the oldest is served next. Of a batch whose messages somebody else has taken over only our own marks go.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5] how many messages at most
 *
 * Returns 1 when there may be more, else 0, then the queue of each message that it put back.
 */
export const recover = script(
  'recover',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  `
local limit = tonumber(ARGV[5])
local owners = call('ZREVRANGEBYSCORE', LEASES, format('%.0f', micros()), '-inf', 'LIMIT', 0, limit)
local items, ended, count = {}, {}, 0
for o = 1, #owners do
  if count >= limit then break end
  local batch, content = batch_of(owners[o]), content_of(owners[o])
  local done, first = {}, 1
  for i = content and #content.tags or 0, 1, -1 do
    if count >= limit then
      first = i + 1
      break
    end
    local tag = content.tags[i]
    if batch.has[tag] then
      local place = content.homes[content.places[i]]
      local raw = raw_of(tag, content.lengths[i])
      if raw then
        count = count + 1
        items[count] = { raw = redelivered(raw), queue = place[1], step = place[2], born = content.born, at = i }
      end
      done[#done + 1] = tag
    end
  end
  ended[o] = { batch = batch, done = done, whole = first == 1 }
end
table.sort(items, function(x, y) return x.born > y.born or (x.born == y.born and x.at > y.at) end)
prime()
local reply = { (count >= limit or #owners >= limit) and 1 or 0 }
for i = 1, #items do
  push('RPUSH', items[i].queue, items[i].step, { items[i].raw })
  reply[i + 1] = items[i].queue
end
for o = 1, #ended do
  forget(ended[o].batch, ended[o].done)
  if ended[o].whole then drop(ended[o].batch) end
end
return reply
`,
);

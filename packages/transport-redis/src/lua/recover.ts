import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Puts reservations of ours whose lease has ended back to the front of their own list, flagged as redelivered, newest first, so
 * that the oldest is served next. Leases whose message a Python process has taken over are dropped.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5] how many leases to look at
 *
 * Returns how many leases it looked at, then the queue of each message that it put back.
 */
export const recover = script(
  'recover',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  `
local tags = call('ZREVRANGEBYSCORE', LEASES, format('%.0f', micros()), '-inf', 'LIMIT', 0, ARGV[5])
if #tags == 0 then return { 0 } end
local marks = call('HMGET', MARKS, unpack(tags))
local scores = call('ZMSCORE', INDEX, unpack(tags))
local items, done, stray = {}, {}, {}
for i = 1, #tags do
  local h = held(tags[i], marks[i], scores[i], nil)
  local raw = h and raw_of(tags[i], h.length)
  if raw then
    done[#done + 1] = tags[i]
    h.raw = redelivered(raw)
    items[#items + 1] = h
  else
    stray[#stray + 1] = tags[i]
  end
end
table.sort(items, function(a, b) return a.seq > b.seq end)
prime()
local reply = { #tags }
for i = 1, #items do
  push('RPUSH', items[i].queue, items[i].step, { items[i].raw })
  reply[i + 1] = items[i].queue
end
forget(done)
unmark(stray)
return reply
`,
);

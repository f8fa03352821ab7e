import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Takes the mutex that Python's restore takes, and finds entries of Python consumers that are older than the visibility timeout,
 * newest first. The envelopes stay where they are.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; KEYS[6] `unacked_mutex`; ARGV[5] visibility timeout in milliseconds, ARGV[6] how many,
 * ARGV[7] token of the mutex, ARGV[8] its time to live in milliseconds
 *
 * Returns nil when somebody else has the mutex. Else a flat list: how many entries are left to look at (0 or 1), then for each
 * entry its delivery tag, its score, its exchange, its routing key and its headers as JSON. Without an entry the mutex is free.
 */
export const foreignExpired = script(
  'foreign-expired',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  `
local cutoff = (micros() - tonumber(ARGV[5]) * 1000) / 1000000
local limit = tonumber(ARGV[6])
if #call('ZRANGEBYSCORE', INDEX, 0, format('%.6f', cutoff), 'LIMIT', 0, 1) == 0 then return { 0 } end
if not call('SET', KEYS[6], ARGV[7], 'NX', 'PX', ARGV[8]) then return nil end
local found = call('ZREVRANGEBYSCORE', INDEX, format('%.6f', cutoff), 0, 'WITHSCORES', 'LIMIT', 0, limit)
local reply, strays = { #found / 2 >= limit and 1 or 0 }, {}
local ours = {}
local owners = #found > 0 and call('ZRANGE', LEASES, 0, -1) or {}
for from = 1, #owners, 1000 do
  local scores = call('HMGET', MARKS, unpack(owners, from, math.min(from + 999, #owners)))
  for i = 1, #scores do if scores[i] then ours[tonumber(scores[i])] = true end end
end
for i = 1, #found, 2 do
  local tag, score = found[i], found[i + 1]
  local entry = call('HGET', UNACKED, tag)
  if not entry then
    strays[#strays + 1] = tag
  elseif not ours[tonumber(score)] then
    local open = match(entry, '^%s*%[%s*()')
    local envelope = open and value_end(entry, open)
    local exchange, key, headers = '', '', '{}'
    if envelope then
      local a = match(entry, '^%s*,%s*()', envelope)
      local b = a and value_end(entry, a)
      if b and byte(entry, a) == 34 then exchange = text_of(sub(entry, a, b - 1)) end
      local c = b and match(entry, '^%s*,%s*()', b)
      local d = c and value_end(entry, c)
      if d and byte(entry, c) == 34 then key = text_of(sub(entry, c, d - 1)) end
      if byte(entry, open) == 123 then
        local from, to = member(entry, open, 'headers')
        if from then headers = sub(entry, from, to - 1) end
      end
    end
    local n = #reply
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4], reply[n + 5] = tag, score, exchange, key, headers
  end
end
if #strays > 0 then call('ZREM', INDEX, unpack(strays)) end
if #reply == 1 then call('DEL', KEYS[6]) end
return reply
`,
);

import { batchLib } from './batch-lib.js';

/**
 * Lua functions that write and check reservations (needs `listLib`, `jsonLib` and `envelopeLib`; has `batchLib` in it). Every
 * script that includes them has KEYS[1] `unacked`, KEYS[2] `unacked_index`, KEYS[3] our marks, KEYS[4] our leases (see
 * `batchLib`) and KEYS[5] the sizes of the queues that have a limit in bytes: hash, queue to `messages|bytes`.
 *
 * - `prime()`: a write that never grows memory. Redis refuses growing commands when memory is full, but not after the first
 *   write of a script; without it nobody could consume what fills the memory.
 * - `micros()`: the server's clock
 * - `moment()`: a score for the index that no other batch has
 * - `record(raws, homes, owner, lease)`: writes entries, mark and lease of envelopes from `homes` ({queue, step}) and returns
 *   their delivery tags. A tag that is in use already is replaced in the envelope, so that both entries survive.
 * - `raw_of(tag, length)`: the envelope as it was, from its entry
 * - `push(command, queue, step, raws)`: pushes onto the queue's list, which keeps the queue's time to live
 * - `weigh(queue, messages, bytes)`: keeps the size of a queue that has a limit in bytes
 */
export const leaseLib = `
local UNACKED, INDEX, MARKS, LEASES, SIZES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
${batchLib}
local ticks = 0
-- So long a first member makes the server build the index as a skip list: the short form it uses for small sets is walked from
-- its beginning for every member.
local LONG = '_kombu.node: this member is longer than zset-max-listpack-value is'

local function prime()
  call('ZREM', LEASES, '')
end

local function micros()
  local now = call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end

local function moment()
  ticks = ticks + 1
  local now = micros() + ticks
  return format('%.6f', now / 1000000), now
end

local function weigh(queue, messages, bytes)
  local size = call('HGET', SIZES, queue)
  if size then
    local m, b = match(size, '^(%-?%d+)|(%-?%d+)$')
    call('HSET', SIZES, queue, format('%.0f|%.0f', tonumber(m) + messages, tonumber(b) + bytes))
  end
end

local function push(command, queue, step, raws)
  local list = list_of(queue, step)
  local length
  for from = 1, #raws, 1000 do
    length = call(command, list, unpack(raws, from, math.min(from + 999, #raws)))
  end
  if length == #raws then
    local ttl = call('PTTL', RECORDS .. queue)
    if ttl > 0 then call('PEXPIRE', list, ttl) end
  end
  if call('EXISTS', SIZES) == 1 and call('HEXISTS', SIZES, queue) == 1 then
    local bytes = 0
    for i = 1, #raws do bytes = bytes + body_bytes(raws[i]) end
    weigh(queue, #raws, bytes)
  end
end

-- The exchange and routing key to record: the message's own where Python would find its queue by them, else the queue.
local function route_of(exchange, key, queue)
  local found = false
  if exchange == '""' then
    found = key and text_of(key) == queue
  elseif exchange and key then
    found = call('SISMEMBER', BINDINGS .. text_of(exchange), text_of(key) .. SEP .. SEP .. queue) == 1
  end
  if found then return ', ' .. exchange .. ', ' .. key .. ']' end
  return ', "", ' .. cjson.encode(queue) .. ']'
end

local function fresh_tag(owner, at)
  local h = redis.sha1hex(owner .. '/' .. at)
  return sub(h, 1, 8) .. '-' .. sub(h, 9, 12) .. '-4' .. sub(h, 14, 16) .. '-8' .. sub(h, 18, 20) .. '-' .. sub(h, 21, 32)
end

local function record(raws, homes, owner, lease)
  local n = #raws
  local tags, exchanges, keys, seen = {}, {}, {}, {}
  for i = 1, n do
    local tag, exchange, key = facts(raws[i])
    tags[i], exchanges[i], keys[i] = tag or '', exchange or false, key or false
  end
  local taken = call('HMGET', UNACKED, unpack(tags))
  local score, now = moment()
  local is_new = call('EXISTS', INDEX) == 0
  local entries, index, lengths, places, kept = {}, {}, {}, {}, {}
  if is_new then index[1], index[2] = 0, LONG end
  local exchange, key, home, tail
  for i = 1, n do
    local raw, tag = raws[i], tags[i]
    -- A quotation mark separates tags where they are handed over.
    if tag == '' or taken[i] or seen[tag] or find(tag, '"', 1, true) then
      local fresh = fresh_tag(owner, score .. '/' .. i)
      if tag ~= '' then
        raw = retag(raw, fresh)
        raws[i] = raw
      end
      tag = fresh
      tags[i] = fresh
    end
    seen[tag] = true
    if exchange ~= exchanges[i] or key ~= keys[i] or home ~= homes[i] then
      exchange, key = exchanges[i], keys[i]
      if home ~= homes[i] then
        home = homes[i]
        kept[#kept + 1] = { home.queue, home.step }
      end
      tail = route_of(exchange, key, home.queue)
    end
    local k = 2 * i
    entries[k - 1] = tag
    if byte(raw) == 123 then
      entries[k] = '[' .. raw .. tail
      lengths[i] = #raw
    else
      entries[k] = '[' .. cjson.encode(raw) .. tail
      lengths[i] = 0
    end
    places[i] = #kept
    local m = #index
    index[m + 1], index[m + 2] = score, tag
  end
  call('HSET', UNACKED, unpack(entries))
  call('ZADD', INDEX, unpack(index))
  if is_new then call('ZREM', INDEX, LONG) end
  local content = { born = now, tags = tags, lengths = lengths, places = places, homes = kept }
  call('HSET', MARKS, owner, score, owner .. '/', cmsgpack.pack(content))
  call('ZADD', LEASES, format('%.0f', now + lease * 1000), owner)
  return tags
end

local function raw_of(tag, length)
  local entry = call('HGET', UNACKED, tag)
  if not entry then return nil end
  if length > 0 then return sub(entry, 2, length + 1) end
  local ok, value = pcall(cjson.decode, entry)
  return ok and type(value) == 'table' and value[1] or nil
end
`;

/**
 * Lua functions that write and check reservations (needs `listLib`, `jsonLib` and `envelopeLib`). Every script that includes them has
 *
 * - KEYS[1] `unacked`: hash, delivery tag to `[envelope, "exchange", "routing key"]`, as Python has it
 * - KEYS[2] `unacked_index`: sorted set, delivery tag by Unix seconds, as Python has it
 * - KEYS[3] our marks: hash, delivery tag to `owner|score|seq|length|step|queue`; score and seq in microseconds, score being
 *   what the index says, seq the moment of the reservation; length is that of the envelope inside the entry, 0: not JSON
 * - KEYS[4] our leases: sorted set, delivery tag by the moment in microseconds when the lease ends
 * - KEYS[5] the sizes of the queues that have a limit in bytes: hash, queue to `messages|bytes`
 *
 * A mark is ours as long as the index still has the score that the mark says: a Python process that restores the message or
 * takes it over changes the score.
 *
 * - `prime()`: a write that never grows memory. Redis refuses growing commands when memory is full, but not after the first
 *   write of a script; without it nobody could consume what fills the memory.
 * - `micros()`: the server's clock
 * - `record(raws, homes, owner, lease)`: writes the entries, leases and marks of envelopes from `homes` ({queue, step}) and
 *   returns their delivery tags. A tag that is in use already is replaced in the envelope, so that both entries survive.
 * - `held(tag, mark, score, owner)`: fields of the mark when the reservation is that owner's (nil: anybody's), else nil
 * - `raw_of(tag, length)`: the envelope as it was, from its entry
 * - `forget(tags)`: removes entries, leases and marks
 * - `push(command, queue, step, raws)`: pushes onto the queue's list, which keeps the queue's time to live
 * - `weigh(queue, messages, bytes)`: keeps the size of a queue that has a limit in bytes
 */
export const leaseLib = `
local UNACKED, INDEX, MARKS, LEASES, SIZES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local ticks = 0
-- So long a member makes the server keep the set as a skip list: the short form it uses for small sets costs more with every
-- member.
local LASTING = '_kombu.node.leases: this member is longer than zset-max-listpack-value'

local function prime()
  call('ZREM', LEASES, '')
end

local function micros()
  local now = call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
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
  local now = micros() + ticks
  ticks = ticks + n
  local tags, exchanges, keys, seen = {}, {}, {}, {}
  for i = 1, n do
    local tag, exchange, key = facts(raws[i])
    tags[i], exchanges[i], keys[i] = tag or '', exchange or false, key or false
  end
  local taken = call('HMGET', UNACKED, unpack(tags))
  local entries, index, marks, leases = {}, {}, {}, { 'inf', LASTING }
  local exchange, key, home, tail, place
  local span = lease * 1000
  for i = 1, n do
    local raw, tag = raws[i], tags[i]
    local at = now + i
    local text = format('%.0f', at)
    if tag == '' or taken[i] or seen[tag] then
      local fresh = fresh_tag(owner, text)
      if tag ~= '' then
        raw = retag(raw, fresh)
        raws[i] = raw
      end
      tag = fresh
      tags[i] = fresh
    end
    seen[tag] = true
    if exchange ~= exchanges[i] or key ~= keys[i] or home ~= homes[i] then
      exchange, key, home = exchanges[i], keys[i], homes[i]
      tail = route_of(exchange, key, home.queue)
      place = '|' .. home.step .. '|' .. home.queue
    end
    local length = #raw
    local k = 2 * i
    entries[k - 1] = tag
    if byte(raw) == 123 then
      entries[k] = '[' .. raw .. tail
    else
      entries[k] = '[' .. cjson.encode(raw) .. tail
      length = 0
    end
    -- The newest first: that is where the server finds the place of each next one at once.
    local back = 2 * (n - i)
    index[back + 1], index[back + 2] = at / 1000000, tag
    marks[k - 1], marks[k] = tag, owner .. '|' .. text .. '|' .. text .. '|' .. length .. place
    leases[k + 1], leases[k + 2] = at + span, tag
  end
  call('HSET', UNACKED, unpack(entries))
  call('ZADD', INDEX, unpack(index))
  call('HSET', MARKS, unpack(marks))
  call('ZADD', LEASES, unpack(leases))
  return tags
end

local function held(tag, mark, score, owner)
  if not mark or not score then return nil end
  local who, micro, seq, length, step, queue = match(mark, '^([^|]*)|(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
  if not who or (owner and who ~= owner) or tonumber(score) ~= tonumber(micro) / 1000000 then return nil end
  return { tag = tag, owner = who, seq = tonumber(seq), length = tonumber(length), step = step, queue = queue, from = seq }
end

local function raw_of(tag, length)
  local entry = call('HGET', UNACKED, tag)
  if not entry then return nil end
  if length > 0 then return sub(entry, 2, length + 1) end
  local ok, value = pcall(cjson.decode, entry)
  return ok and type(value) == 'table' and value[1] or nil
end

local function unmark(tags)
  if #tags == 0 then return end
  call('HDEL', MARKS, unpack(tags))
  call('ZREM', LEASES, unpack(tags))
  if call('ZCARD', LEASES) == 1 then call('ZREM', LEASES, LASTING) end
end

local function forget(tags)
  if #tags == 0 then return end
  call('HDEL', UNACKED, unpack(tags))
  call('ZREM', INDEX, unpack(tags))
  unmark(tags)
end
`;

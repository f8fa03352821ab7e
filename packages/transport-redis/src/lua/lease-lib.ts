/**
 * Lua functions that write and check reservations (needs `jsonLib` and `envelopeLib`). Every script that includes them has
 *
 * - KEYS[1] `unacked`: hash, delivery tag to `[envelope, "exchange", "routing key"]`, as Python has it
 * - KEYS[2] `unacked_index`: sorted set, delivery tag by Unix seconds, as Python has it
 * - KEYS[3] our marks: hash, delivery tag to `owner|score|seq|length|step|queue`; score and seq in microseconds, score being
 *   what the index says, seq the moment of the reservation; length is that of the envelope inside the entry, 0: not JSON
 * - KEYS[4] our leases: sorted set, delivery tag by the moment in microseconds when the lease ends
 * - KEYS[5] the sizes of the queues that have a limit in bytes: hash, queue to `messages|bytes`
 * - ARGV[1] the prefix of every list, ARGV[2] the separator before a list's step, ARGV[3] the prefix of the queue records,
 *   ARGV[4] the prefix of the binding sets
 *
 * A mark is ours as long as the index still has the score that the mark says: a Python process that restores the message or
 * takes it over changes the score.
 *
 * - `prime()`: a write that never grows memory. Redis refuses growing commands when memory is full, but not after the first
 *   write of a script; without it nobody could consume what fills the memory.
 * - `micros()`: the server's clock
 * - `record(items, owner, lease)`: writes the entries, leases and marks of `items` ({raw, queue, step}), sets their `tag`. A
 *   tag that is in use already is replaced in the envelope, so that both entries survive.
 * - `held(tag, mark, score, owner)`: fields of the mark when the reservation is that owner's (nil: anybody's), else nil
 * - `raw_of(tag, length)`: the envelope as it was, from its entry
 * - `forget(tags)`: removes entries, leases and marks
 * - `push(command, queue, step, raws)`: pushes onto the queue's list, which keeps the queue's time to live
 * - `weigh(queue, messages, bytes)`: keeps the size of a queue that has a limit in bytes
 */
export const leaseLib = String.raw`
local call = redis.call
local UNACKED, INDEX, MARKS, LEASES, SIZES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PREFIX, SEP, RECORDS, BINDINGS = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local ticks = 0

local function prime()
  call('ZREM', LEASES, '')
end

local function micros()
  local now = call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end

local function list_of(queue, step)
  if step == '0' then return PREFIX .. queue end
  return PREFIX .. queue .. SEP .. step
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

local function record(items, owner, lease)
  local n = #items
  if n == 0 then return end
  local now = micros()
  local tags, route, seen = {}, {}, {}
  for i = 1, n do
    local item = items[i]
    item.tag, item.exchange, item.key = facts(item.raw)
    tags[i] = item.tag or ''
  end
  local taken = call('HMGET', UNACKED, unpack(tags))
  local entries, index, marks, leases = {}, {}, {}, {}
  for i = 1, n do
    local item = items[i]
    local tag = item.tag
    if not tag or taken[i] or seen[tag] then
      local h = redis.sha1hex(owner .. '/' .. format('%.0f', now) .. '/' .. (ticks + i))
      tag = sub(h, 1, 8) .. '-' .. sub(h, 9, 12) .. '-4' .. sub(h, 14, 16) .. '-8' .. sub(h, 18, 20) .. '-' .. sub(h, 21, 32)
      if item.tag then item.raw = retag(item.raw, tag) end
      item.tag = tag
    end
    seen[tag] = true
    local raw, queue = item.raw, item.queue
    local exchange, key = item.exchange, item.key
    local whole = exchange or ''
    whole = whole .. '\0' .. (key or '') .. '\0' .. queue
    local tail = route[whole]
    if not tail then
      local direct = exchange and key
      if direct and exchange ~= '""' then
        key = text_of(key)
        direct = call('SISMEMBER', BINDINGS .. text_of(exchange), key .. SEP .. SEP .. queue) == 1
      elseif direct then
        direct = text_of(key) == queue
      end
      tail = direct and (', ' .. exchange .. ', ' .. item.key .. ']') or (', "", ' .. cjson.encode(queue) .. ']')
      route[whole] = tail
    end
    local length = #raw
    if byte(raw) == 123 then
      entries[2 * i] = '[' .. raw .. tail
    else
      entries[2 * i] = '[' .. cjson.encode(raw) .. tail
      length = 0
    end
    ticks = ticks + 1
    local at = now + ticks
    local text = format('%.0f', at)
    entries[2 * i - 1] = tag
    index[2 * i - 1], index[2 * i] = at / 1000000, tag
    leases[2 * i - 1], leases[2 * i] = at + lease * 1000, tag
    marks[2 * i - 1], marks[2 * i] = tag, owner .. '|' .. text .. '|' .. text .. '|' .. length .. '|' .. item.step .. '|' .. queue
  end
  call('HSET', UNACKED, unpack(entries))
  call('ZADD', INDEX, unpack(index))
  call('HSET', MARKS, unpack(marks))
  call('ZADD', LEASES, unpack(leases))
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
end

local function forget(tags)
  if #tags == 0 then return end
  call('HDEL', UNACKED, unpack(tags))
  call('ZREM', INDEX, unpack(tags))
  unmark(tags)
end
`;

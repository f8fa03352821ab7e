import { batchLib } from './batch-lib.js';

/** The keys of `momentLib`, for a script that needs them before its functions. */
export const KEYS_LINE = 'local UNACKED, INDEX, MARKS, LEASES, SIZES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]';

/** `prime()` of `momentLib` as it is written where that is not there. */
export const PRIME = `call('ZREM', LEASES, '')`;

/**
 * What every script that writes or checks reservations begins with (needs `listLib`). It has KEYS[1] `unacked`, KEYS[2]
 * `unacked_index`, KEYS[3] our marks, KEYS[4] our leases (see `batchLib`) and KEYS[5] the sizes of the queues that have a limit in
 * bytes: hash, queue to `messages|bytes`.
 *
 * - `prime()`: a write that never grows memory. Redis refuses growing commands when memory is full, but not after the first
 *   write of a script; without it nobody could consume what fills the memory.
 * - `micros()`: the server's clock
 * - `moment()`: a score for the index that no other batch has, as text, and in microseconds
 */
export const momentLib = `
${KEYS_LINE}
local ticks = 0

local function prime()
  ${PRIME}
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
`;

/** `weigh(queue, messages, bytes)`: keeps the size of a queue that has a limit in bytes (needs `momentLib`). */
export const weighLib = `
local function weigh(queue, messages, bytes)
  local size = call('HGET', SIZES, queue)
  if size then
    local m, b = match(size, '^(%-?%d+)|(%-?%d+)$')
    call('HSET', SIZES, queue, format('%.0f|%.0f', tonumber(m) + messages, tonumber(b) + bytes))
  end
end
`;

/**
 * Lua functions for reservations (needs `listLib`, `jsonLib` and `envelopeLib`; has `momentLib`, `batchLib` and `weighLib` in it).
 *
 * - `raw_of(tag, length)`: the envelope as it was, from its entry
 * - `push(command, queue, step, raws)`: pushes onto the queue's list, which keeps the queue's time to live
 */
export const leaseLib = `
${momentLib}
${batchLib}
${weighLib}
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

local function raw_of(tag, length)
  local entry = call('HGET', UNACKED, tag)
  if not entry then return nil end
  if length > 0 then return sub(entry, 2, length + 1) end
  local ok, value = pcall(cjson.decode, entry)
  return ok and type(value) == 'table' and value[1] or nil
end
`;

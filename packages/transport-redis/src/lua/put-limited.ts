import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { putLib } from './put-lib.js';
import { recordLib } from './record-lib.js';
import { script } from './script.js';
import { tableLib } from './table-lib.js';

/**
 * Stores a batch of messages as `put` does, and pushes the oldest out of queues that are over their limits: of the step that is
 * served last first.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; KEYS[6..], ARGV[5..]: see `putLib`; then owner and lease in milliseconds for what is
 * pushed out; the steps in the order of eviction, joined by commas; how many queues; for each queue its name, its limit of
 * messages or '', its limit of bytes or '', 1 when what is pushed out may be dropped (else 0), how many messages, and for each
 * its step and its envelope
 *
 * Returns nil when nothing was pushed out or kept, or the changed tables (see `putLib`), or false, the numbers (from 1) of queues
 * with a list that is something else, joined by commas (nothing was stored there), and for each message that was pushed out and
 * reserved its queue, its delivery tag and its envelope; the owner of each is the one given, a dot and its number.
 */
export const putLimited = script(
  'put-limited',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  recordLib,
  tableLib,
  putLib,
  `
local owner, lease, queues = ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 3])
local steps = {}
for step in string.gmatch(ARGV[a + 2], '[^,]+') do steps[#steps + 1] = step end
a = a + 4

local function total(queue)
  local n = 0
  for s = 1, #steps do n = n + call('LLEN', list_of(queue, steps[s])) end
  return n
end

local function size_of(queue)
  local n = total(queue)
  local size = call('HGET', SIZES, queue)
  if size then
    local m, b = match(size, '^(%-?%d+)|(%-?%d+)$')
    if tonumber(m) == n then return n, tonumber(b) end
  end
  local bytes = 0
  for s = 1, #steps do
    local raws = call('LRANGE', list_of(queue, steps[s]), 0, -1)
    for i = 1, #raws do bytes = bytes + body_bytes(raws[i]) end
  end
  call('HSET', SIZES, queue, format('%.0f|%.0f', n, bytes))
  return n, bytes
end

local function oldest(queue)
  for s = 1, #steps do
    local raw = call('LINDEX', list_of(queue, steps[s]), -1)
    if raw then return raw, steps[s] end
  end
end

local function is_strange(queue)
  for s = 1, #steps do
    local kind = call('TYPE', list_of(queue, steps[s])).ok
    if kind ~= 'list' and kind ~= 'none' then return true end
  end
end

local out, strange = {}, {}
for q = 1, queues do
  local queue, messages, bytes = ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])
  local drop, n = ARGV[a + 3] == '1', tonumber(ARGV[a + 4])
  a = a + 5
  local length, weight
  if is_strange(queue) then
    strange[#strange + 1] = q
    a = a + 2 * n
    n, messages, bytes = 0, nil, nil
  end
  for i = 1, n do
    push('LPUSH', queue, ARGV[a], { ARGV[a + 1] })
    a = a + 2
  end
  if bytes then length, weight = size_of(queue) elseif messages then length, weight = total(queue), 0 end
  while length and length > 0 and ((messages and length > messages) or (bytes and weight > bytes)) do
    local raw, step = oldest(queue)
    local heavy = bytes and body_bytes(raw) or 0
    if not drop then
      local one = { raw }
      local tags = record(one, { { queue = queue, step = step } }, owner .. '.' .. (#out + 1), lease)
      out[#out + 1] = { queue = queue, tag = tags[1], raw = one[1] }
    end
    call('RPOP', list_of(queue, step))
    length, weight = length - 1, weight - heavy
    if bytes then weigh(queue, -1, -heavy) end
  end
end
if #out == 0 and #strange == 0 then return nil end
local reply = { false, table.concat(strange, ',') }
for i = 1, #out do
  reply[3 * i], reply[3 * i + 1], reply[3 * i + 2] = out[i].queue, out[i].tag, out[i].raw
end
return reply
`,
);

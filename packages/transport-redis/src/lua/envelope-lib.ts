/**
 * Lua functions that read and patch envelopes (needs `jsonLib`).
 *
 * - `walk(raw)`: delivery tag (text), exchange and routing key (as JSON strings) of any envelope; nil for what is not there
 * - `expiry_of(raw)`: wall-clock milliseconds in `properties.expires_at_ms` (ours; Python ignores it), nil where there is none
 * - `retag(raw, tag)`: the envelope with another delivery tag
 * - `redelivered(raw)`: the envelope flagged as Python flags it: `headers.redelivered` and
 *   `properties.delivery_info.redelivered`
 * - `priority_of(raw)`: the number in `properties.priority`, 0 where there is none
 * - `body_bytes(raw)`: the size of the body in bytes
 */
export const envelopeLib = `
local function properties_of(raw)
  local start = match(raw, '^%s*(){')
  local p = start and member(raw, start, 'properties')
  if p and byte(raw, p) == 123 then return p end
end

local function walk(raw)
  local tag, exchange, key
  local p = properties_of(raw)
  if p then
    local from, to = member(raw, p, 'delivery_tag')
    if from then
      tag = sub(raw, from, to - 1)
      if byte(tag) == 34 then tag = text_of(tag) elseif not tonumber(tag) then tag = nil end
      if tag == '' then tag = nil end
    end
    local d = member(raw, p, 'delivery_info')
    if d and byte(raw, d) == 123 then
      local a, b = member(raw, d, 'exchange')
      if a and byte(raw, a) == 34 then exchange = sub(raw, a, b - 1) end
      a, b = member(raw, d, 'routing_key')
      if a and byte(raw, a) == 34 then key = sub(raw, a, b - 1) end
    end
  end
  return tag, exchange, key
end

local function expiry_of(raw)
  local p = properties_of(raw)
  local from, to
  if p then from, to = member(raw, p, 'expires_at_ms') end
  return from and tonumber(sub(raw, from, to - 1))
end

local function retag(raw, tag)
  local p = properties_of(raw)
  local from, to
  if p then from, to = member(raw, p, 'delivery_tag') end
  if not from then return raw end
  return sub(raw, 1, from - 1) .. '"' .. tag .. '"' .. sub(raw, to)
end

local function set_flag(raw, object)
  local from, to = member(raw, object, 'redelivered')
  if from then return sub(raw, 1, from - 1) .. 'true' .. sub(raw, to) end
  local comma = match(raw, '^{%s*}', object) and '' or ', '
  return sub(raw, 1, object) .. '"redelivered": true' .. comma .. sub(raw, object + 1)
end

local function redelivered(raw)
  local start = match(raw, '^%s*(){')
  local p = properties_of(raw)
  if not p then return raw end
  local d = member(raw, p, 'delivery_info')
  if d and byte(raw, d) == 123 then raw = set_flag(raw, d) end
  local from, to = member(raw, start, 'headers')
  if not from then
    return sub(raw, 1, start) .. '"headers": {"redelivered": true}, ' .. sub(raw, start + 1)
  elseif byte(raw, from) == 123 then
    return set_flag(raw, from)
  end
  return sub(raw, 1, from - 1) .. '{"redelivered": true}' .. sub(raw, to)
end

local function priority_of(raw)
  local p = properties_of(raw)
  local from, to
  if p then from, to = member(raw, p, 'priority') end
  return from and tonumber(sub(raw, from, to - 1)) or 0
end

local function body_bytes(raw)
  local start = match(raw, '^%s*(){')
  local from, to
  if start then from, to = member(raw, start, 'body') end
  if not from or byte(raw, from) ~= 34 then return 0 end
  local length = to - from - 2
  local p = properties_of(raw)
  local e, z
  if p then e, z = member(raw, p, 'body_encoding') end
  if not e or sub(raw, e, z - 1) ~= '"base64"' then return length end
  local padding = match(sub(raw, to - 3, to - 2), '=*$')
  return math.floor(length / 4) * 3 - #padding
end
`;

/**
 * Lua functions that read and patch envelopes (needs `jsonLib`).
 *
 * - `facts(raw)`: delivery tag (text), exchange and routing key (as JSON strings) of an envelope; nil for what is not there.
 *   The usual envelope ends with `"properties": {.., "delivery_info": {..}, .., "delivery_tag": ".."}}`. When the word is there
 *   once and no other brace stands behind it, what it names can only be the top-level `properties`, and one pattern finds all
 *   three. An envelope that has the same text around its tag as the last such one is not looked at any further: two closing
 *   braces after the tag say that this text stands in an object right below the envelope. Everything else is walked through.
 * - `expiry_of(raw)`: wall-clock milliseconds in `properties.expires_at_ms` (ours; Python ignores it), nil where there is none
 * - `retag(raw, tag)`: the envelope with another delivery tag
 * - `redelivered(raw)`: the envelope flagged as Python flags it: `headers.redelivered` and
 *   `properties.delivery_info.redelivered`
 * - `priority_of(raw)`: the number in `properties.priority`, 0 where there is none
 * - `body_bytes(raw)`: the size of the body in bytes
 */
export const envelopeLib = String.raw`
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

local USUAL = '^"properties": ?{([^{}]*)"delivery_info": ?{"exchange": ?("[^"\\]*"), ?"routing_key": ?("[^"\\]*")}' ..
  '([^{}]*)"delivery_tag": ?"([^"\\]+)"}}$'
local function clean(text)
  local last = byte(text, -1)
  return last == 44 or last == 32
end

-- From 'delivery_info' to the tag the envelopes of a queue mostly have the same text: what it said the last time it says again.
local frame, frame_at, frame_exchange, frame_key
local function keep_frame(raw, p, tag, exchange, key)
  local from = #tag == 36 and find(raw, '"delivery_info":', p, true)
  if not from then return end
  frame, frame_at = sub(raw, from, -40), from - #raw
  frame_exchange, frame_key = exchange, key
end

local function facts(raw)
  if frame and byte(raw) == 123 then
    local from = #raw + frame_at
    if from > 0 and find(raw, frame, from, true) == from and sub(raw, -3) == '"}}' then
      local tag = sub(raw, -39, -4)
      if not find(tag, '"', 1, true) and not find(tag, '\\', 1, true) then return tag, frame_exchange, frame_key end
    end
  end
  local p = find(raw, '"properties":', 1, true)
  if p and byte(raw) == 123 and not find(raw, '"properties":', p + 13, true) then
    local left = byte(raw, p - 1)
    local before, exchange, key, after, tag = match(raw, USUAL, p)
    if tag and (left == 44 or left == 32) and (before == '' or clean(before)) and clean(after) then
      keep_frame(raw, p, tag, exchange, key)
      return tag, exchange, key
    end
  end
  return walk(raw)
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

/**
 * Lua functions (they need `listLib`) that find values in JSON text without decoding it, so that envelopes are stored, patched and pushed back with
 * every other byte as it was: cjson would round large integers and turn empty arrays into objects.
 *
 * A position is 1-based; an `end` is the position after the last character. All return nil for text that is not JSON.
 *
 * - `string_end(s, i)`: the end of the string that opens at `i`
 * - `value_end(s, i)`: the end of the value that begins at `i`
 * - `member(s, i, name)`: begin and end of a member's value in the object that opens at `i`; the last one counts, as in Python
 * - `text_of(json)`: the text that a JSON string stands for
 */
export const jsonLib = String.raw`
local function string_end(s, i)
  local p = i + 1
  while true do
    local q = find(s, '["\\]', p)
    if not q then return nil end
    if byte(s, q) == 34 then return q + 1 end
    p = q + 2
  end
end

local function value_end(s, i)
  local c = byte(s, i)
  if not c then return nil end
  if c == 34 then return string_end(s, i) end
  if c ~= 123 and c ~= 91 then return find(s, '[%s,%]}]', i) or #s + 1 end
  local depth, p = 1, i + 1
  while true do
    local q = find(s, '["{}%[%]]', p)
    if not q then return nil end
    local d = byte(s, q)
    if d == 34 then
      p = string_end(s, q)
      if not p then return nil end
    else
      if d == 123 or d == 91 then depth = depth + 1 else depth = depth - 1 end
      p = q + 1
      if depth == 0 then return p end
    end
  end
end

local function member(s, i, name)
  local from, to
  local p = match(s, '^{%s*()"', i)
  while p do
    local e = string_end(s, p)
    local v = e and match(s, '^%s*:%s*()', e)
    local z = v and value_end(s, v)
    if not z then return nil end
    if sub(s, p + 1, e - 2) == name then from, to = v, z end
    p = match(s, '^%s*,%s*()"', z)
  end
  return from, to
end

local function text_of(json)
  if not find(json, '\\', 1, true) then return sub(json, 2, -2) end
  local ok, value = pcall(cjson.decode, '[' .. json .. ']')
  return ok and value[1] or sub(json, 2, -2)
end
`;

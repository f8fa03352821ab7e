import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';

/**
 * The pattern of what a usual envelope ends with, as Lua text: what stands before `delivery_info`, the exchange and the routing key as JSON
 * strings without escapes, what stands after them, and the delivery tag.
 */
const USUAL = String.raw`'^"properties": ?{([^{}]*)"delivery_info": ?{"exchange": ?("[^"\\]*"), ?"routing_key": ?("[^"\\]*")}' ..
  '([^{}]*)"delivery_tag": ?"([^"\\]+)"}}$'`;

/**
 * Lua functions that write reservations (needs `listLib`, `momentLib`, and `jsonLib` with `envelopeLib`, or `lazyEnvelopeLib`).
 *
 * - `facts(raw)`: delivery tag (text), exchange and routing key (as JSON strings) of an envelope; nil for what is not there.
 *   The usual envelope ends with `"properties": {.., "delivery_info": {..}, .., "delivery_tag": ".."}}`. When the word is there
 *   once and no other brace stands behind it, what it names can only be the top-level `properties`, and one pattern finds all
 *   three. An envelope that has the same text around its tag as the last such one is not looked at any further: two closing
 *   braces after the tag say that this text stands in an object right below the envelope. Everything else is walked through.
 * - `record(raws, homes, owner, lease)`: writes entries, mark and lease of envelopes from `homes` ({queue, step}) and returns
 *   their delivery tags. A tag that is in use already is replaced in the envelope, so that both entries survive.
 */
export const recordLib = String.raw`
-- So long a first member makes the server build the index as a skip list: the short form it uses for small sets is walked from
-- its beginning for every member.
local LONG = '_kombu.node: this member is longer than zset-max-listpack-value is'

local USUAL = ${USUAL}
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
    local a, b = tag and byte(before, -1), tag and byte(after, -1)
    if tag and (left == 44 or left == 32) and (before == '' or a == 44 or a == 32) and (b == 44 or b == 32) then
      keep_frame(raw, p, tag, exchange, key)
      return tag, exchange, key
    end
  end
  return walk(raw)
end

local function plain_of(json)
  if find(json, '\\', 1, true) then return text_of(json) end
  return sub(json, 2, -2)
end

-- The exchange and routing key to record: the message's own where Python would find its queue by them, else the queue.
local function route_of(exchange, key, queue)
  local found = false
  if exchange == '""' then
    found = key and plain_of(key) == queue
  elseif exchange and key then
    found = call('SISMEMBER', BINDINGS .. plain_of(exchange), plain_of(key) .. SEP .. SEP .. queue) == 1
  end
  if found then return ', ' .. exchange .. ', ' .. key .. ']' end
  return ', "", ' .. cjson.encode(queue) .. ']'
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
  -- Only where it pays: the form lasts as long as the index is not empty.
  local is_new = n >= 16 and call('EXISTS', INDEX) == 0
  local entries, index, lengths, places, kept = {}, {}, {}, {}, {}
  if is_new then index[1], index[2] = 0, LONG end
  local exchange, key, home, tail
  for i = 1, n do
    local raw, tag = raws[i], tags[i]
    -- A quotation mark separates tags where they are handed over.
    if tag == '' or taken[i] or seen[tag] or find(tag, '"', 1, true) then
      local h = redis.sha1hex(owner .. '/' .. score .. '/' .. i)
      local fresh = sub(h, 1, 8) .. '-' .. sub(h, 9, 12) .. '-4' .. sub(h, 14, 16) .. '-8' .. sub(h, 18, 20) .. '-' .. sub(h, 21, 32)
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
`;

/**
 * The functions of `jsonLib` and `envelopeLib` that `recordLib` and `weighLib` need, made when one of them is called: making
 * functions is half of what a script costs that does little, and the usual message needs none of these.
 */
export const lazyEnvelopeLib = `
local envelopes
local function use_envelopes()
  if envelopes then return envelopes end
${jsonLib}
${envelopeLib}
  envelopes = { walk = walk, retag = retag, text_of = text_of, body_bytes = body_bytes }
  return envelopes
end
local function walk(raw) return use_envelopes().walk(raw) end
local function retag(raw, tag) return use_envelopes().retag(raw, tag) end
local function text_of(json) return use_envelopes().text_of(json) end
local function body_bytes(raw) return use_envelopes().body_bytes(raw) end
`;

/**
 * Records the only message of a reserve (needs `listLib` and the keys of `momentLib`, and `raw`, `home`, `owner` and `lease` in scope): leaves its
 * delivery tag in `tag`. What `recordLib` does with a usual envelope whose tag is not in use, without its functions: one message
 * for an idle consumer costs the server half as much. Anything else leaves `tag` nil and nothing written.
 */
export const recordOneLib = `
local tag
local p = byte(raw) == 123 and find(raw, '"properties":', 1, true)
if p and not find(raw, '"properties":', p + 13, true) then
  local left = byte(raw, p - 1)
  local before, exchange, key, after, usual = match(raw, ${USUAL}, p)
  local a, b = usual and byte(before, -1), usual and byte(after, -1)
  if usual and (left == 44 or left == 32) and (before == '' or a == 44 or a == 32) and (b == 44 or b == 32) then
    local found
    if exchange == '""' then
      found = sub(key, 2, -2) == home.queue
    else
      found = call('SISMEMBER', BINDINGS .. sub(exchange, 2, -2), sub(key, 2, -2) .. SEP .. SEP .. home.queue) == 1
    end
    if not found then exchange, key = '""', cjson.encode(home.queue) end
    if call('HSETNX', UNACKED, usual, '[' .. raw .. ', ' .. exchange .. ', ' .. key .. ']') == 1 then
      tag = usual
      local time = call('TIME')
      local now = tonumber(time[1]) * 1000000 + tonumber(time[2]) + 1
      local score = format('%.6f', now / 1000000)
      call('ZADD', INDEX, score, tag)
      local homes = { { home.queue, home.step } }
      local content = { born = now, tags = { tag }, lengths = { #raw }, places = { 1 }, homes = homes }
      call('HSET', MARKS, owner, score, owner .. '/', cmsgpack.pack(content))
      call('ZADD', LEASES, format('%.0f', now + lease * 1000), owner)
    end
  end
end
`;

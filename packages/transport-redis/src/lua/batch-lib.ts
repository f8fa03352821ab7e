/**
 * Lua functions for the reservations of one call of reserve: a batch. They need `call` and the keys
 *
 * - UNACKED `unacked`: hash, delivery tag to `[envelope, "exchange", "routing key"]`, as Python has it
 * - INDEX `unacked_index`: sorted set, delivery tag by Unix seconds, as Python has it; the same moment for a whole batch
 * - MARKS our marks: hash, owner to the moment that the index has for its batch; owner and `/` to what is in the batch, packed:
 *   `born` (the moment of the reservation in microseconds), `tags`, `lengths` (of the envelope inside each entry, 0: not JSON),
 *   `places` (which of the homes), `homes` (`{queue, step}`)
 * - LEASES our leases: sorted set, owner by the moment in microseconds when the lease ends
 *
 * A message is in its batch as long as the index has it at the moment of the batch: whoever restores it or takes it over, Python
 * included, changes or removes that.
 *
 * - `batch_of(owner)`: `members` (the tags that are in it), `has` (a set of them), `left` (how many), `score`
 * - `content_of(owner)`: what is packed; nil where there is nothing
 * - `drop(batch)`: removes what is ours of it; what the index still has is somebody else's
 * - `forget(batch, tags)`: removes entries that are in it; with the last of them the batch
 */
export const batchLib = `
local function batch_of(owner)
  local score = call('HGET', MARKS, owner)
  local members = score and call('ZRANGEBYSCORE', INDEX, score, score) or {}
  local has = {}
  for i = 1, #members do has[members[i]] = true end
  return { owner = owner, score = score, members = members, has = has, left = #members }
end

local function content_of(owner)
  local packed = call('HGET', MARKS, owner .. '/')
  return packed and cmsgpack.unpack(packed)
end

local function drop(batch)
  call('HDEL', MARKS, batch.owner, batch.owner .. '/')
  call('ZREM', LEASES, batch.owner)
end

local function forget(batch, tags)
  local n = #tags
  if n > 0 then
    call('HDEL', UNACKED, unpack(tags))
    if n == batch.left then
      call('ZREMRANGEBYSCORE', INDEX, batch.score, batch.score)
    else
      call('ZREM', INDEX, unpack(tags))
    end
    batch.left = batch.left - n
  end
  if batch.left == 0 then drop(batch) end
end
`;

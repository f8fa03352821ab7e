/**
 * Lua functions that remove what is in a queue (needs `batchLib` for reserved messages).
 *
 * - `empty_queue(queue, lists, sizes)`: removes the lists; returns how many messages were ready. `sizes` is the hash of queues
 *   that have a limit in bytes.
 * - `drop_reserved(queue)`: removes the reservations of that queue made from here
 */
export const queueLib = `
local function empty_queue(queue, lists, sizes)
  local ready = 0
  for i = 1, #lists do ready = ready + redis.call('LLEN', lists[i]) end
  redis.call('DEL', unpack(lists))
  redis.call('HDEL', sizes, queue)
  return ready
end
`;

export const reservedLib = `
local function drop_reserved(queue)
  local owners = call('ZRANGE', LEASES, 0, -1)
  for o = 1, #owners do
    local content = content_of(owners[o])
    local of_queue = {}
    for h = 1, content and #content.homes or 0 do of_queue[h] = content.homes[h][1] == queue end
    local batch, tags
    for i = 1, content and #content.tags or 0 do
      if of_queue[content.places[i]] then
        batch, tags = batch or batch_of(owners[o]), tags or {}
        if batch.has[content.tags[i]] then tags[#tags + 1] = content.tags[i] end
      end
    end
    if batch then forget(batch, tags) end
  end
end
`;

/**
 * Lua function that removes what is in a queue (needs nothing).
 *
 * `empty_queue(queue, lists, reserved)`: removes the lists, and with `reserved` (the keys `unacked`, `unacked_index`, our marks
 * and our leases) the reservations of that queue made from here; returns how many messages were ready. `sizes` is the hash of
 * queues that have a limit in bytes.
 */
export const queueLib = `
local function empty_queue(queue, lists, sizes, reserved)
  local ready = 0
  for i = 1, #lists do ready = ready + redis.call('LLEN', lists[i]) end
  redis.call('DEL', unpack(lists))
  redis.call('HDEL', sizes, queue)
  if reserved then
    local tail = '|' .. queue
    local cursor = '0'
    repeat
      local page = redis.call('HSCAN', reserved[3], cursor, 'COUNT', 1000)
      cursor = page[1]
      local marks = page[2]
      for i = 1, #marks, 2 do
        if string.match(marks[i + 1], '^[^|]*|%d+|%d+|%d+|[^|]*(|.*)$') == tail then
          redis.call('HDEL', reserved[1], marks[i])
          redis.call('ZREM', reserved[2], marks[i])
          redis.call('HDEL', reserved[3], marks[i])
          redis.call('ZREM', reserved[4], marks[i])
        end
      end
    until cursor == '0'
  end
  return ready
end
`;

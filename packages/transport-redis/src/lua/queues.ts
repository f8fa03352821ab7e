import { batchLib } from './batch-lib.js';
import { queueLib, reservedLib } from './queue-lib.js';
import { script } from './script.js';
import { topologyLib } from './topology-lib.js';

/**
 * Removes what is ready in a queue.
 *
 * KEYS[1] the sizes of queues that have a limit in bytes; KEYS[2..] the lists of the queue; ARGV[1] the queue
 *
 * Returns how many messages that were.
 */
export const purgeQueue = script(
  'purge-queue',
  queueLib,
  `
local lists = {}
for i = 2, #KEYS do lists[i - 1] = KEYS[i] end
return empty_queue(ARGV[1], lists, KEYS[1])
`,
);

/**
 * Removes what is in a queue, reserved or not.
 *
 * KEYS[1..4] `unacked`, `unacked_index`, our marks, our leases; KEYS[5] the sizes of queues that have a limit in bytes;
 * KEYS[6..] the lists of the queue; ARGV[1] the queue
 *
 * Returns how many messages were ready.
 */
export const deleteQueue = script(
  'delete-queue',
  `
local call = redis.call
local UNACKED, INDEX, MARKS, LEASES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
`,
  batchLib,
  queueLib,
  reservedLib,
  `
local lists = {}
for i = 6, #KEYS do lists[i - 5] = KEYS[i] end
drop_reserved(ARGV[1])
return empty_queue(ARGV[1], lists, KEYS[5])
`,
);

/**
 * Removes queues whose time without use is over: messages, record and bindings.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; KEYS[3..6] `unacked`, `unacked_index`, our marks, our leases; KEYS[7] the sizes of
 * queues that have a limit in bytes; ARGV[4] the steps, joined by commas; ARGV[5] how many queues at most
 *
 * Returns their names.
 */
export const expireQueues = script(
  'expire-queues',
  topologyLib,
  'local UNACKED, INDEX, MARKS, LEASES = KEYS[3], KEYS[4], KEYS[5], KEYS[6]',
  batchLib,
  queueLib,
  reservedLib,
  `
local now = call('TIME')
now = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
local names = call('ZRANGEBYSCORE', EXPIRING, '-inf', now, 'LIMIT', 0, ARGV[5])
local gone = {}
for i = 1, #names do
  local queue = names[i]
  local ttl = call('PTTL', record_of(queue))
  if ttl == -1 then
    call('ZREM', EXPIRING, queue)
  elseif ttl > 0 then
    call('ZADD', EXPIRING, now + ttl, queue)
  else
    local lists = {}
    for step in string.gmatch(ARGV[4], '[^,]+') do lists[#lists + 1] = list_of(queue, step) end
    drop_reserved(queue)
    empty_queue(queue, lists, KEYS[7])
    drop_queue(queue)
    gone[#gone + 1] = queue
  end
end
return gone
`,
);

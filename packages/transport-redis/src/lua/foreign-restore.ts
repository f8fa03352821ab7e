import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { script } from './script.js';

/**
 * Puts entries of Python consumers back to the front of the queues they were routed to, flagged as redelivered. An entry that
 * somebody has touched since it was found is left alone; one that no queue takes stays and starts its time over.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; KEYS[6] `unacked_mutex`; ARGV[5] token of the mutex; ARGV[6] the steps that
 * priorities 0 to 9 are stored under, joined by commas; ARGV[7..]: for each entry its delivery tag, its score, how many queues,
 * and their names
 *
 * Returns the queues that got a message; gives the mutex up.
 */
export const foreignRestore = script(
  'foreign-restore',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  `
local steps = {}
for step in string.gmatch(ARGV[6], '[^,]+') do steps[#steps + 1] = step end
local reply, done = {}, {}
prime()
local a = 7
while a <= #ARGV do
  local tag, score, n = ARGV[a], ARGV[a + 1], tonumber(ARGV[a + 2])
  local now = call('ZSCORE', INDEX, tag)
  local entry = now and tonumber(now) == tonumber(score) and call('HGET', UNACKED, tag)
  if entry and n == 0 then
    call('ZADD', INDEX, 'XX', micros() / 1000000, tag)
  elseif entry then
    local open = match(entry, '^%s*%[%s*()')
    local to = open and value_end(entry, open)
    if to then
      local raw = sub(entry, open, to - 1)
      if byte(raw) == 34 then raw = text_of(raw) else raw = redelivered(raw) end
      local priority = math.max(0, math.min(9, math.floor(priority_of(raw))))
      for q = 1, n do
        push('RPUSH', ARGV[a + 2 + q], steps[priority + 1], { raw })
        reply[#reply + 1] = ARGV[a + 2 + q]
      end
      done[#done + 1] = tag
    end
  end
  a = a + 3 + n
end
if #done > 0 then
  call('HDEL', UNACKED, unpack(done))
  call('ZREM', INDEX, unpack(done))
end
if call('GET', KEYS[6]) == ARGV[5] then call('DEL', KEYS[6]) end
return reply
`,
);

import { script } from './script.js';
import { topologyLib } from './topology-lib.js';

/**
 * Stores the record of a queue unless there is one. Where it is the same, the queue was used just now: its time starts anew in this
 * very step, so that what was declared cannot be gone before somebody says that it is in use.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; ARGV[4] name, ARGV[5] the record as JSON, ARGV[6] after how many milliseconds
 * without use the queue goes away, or '', ARGV[7] the steps, joined by commas. Returns the record that is stored now.
 */
export const saveQueue = script(
  'save-queue',
  topologyLib,
  `
local key = record_of(ARGV[4])
local is_new = call('SETNX', key, ARGV[5]) == 1
local stored = call('GET', key)
local expires = ARGV[6] ~= '' and stored == ARGV[5]
for step in string.gmatch(ARGV[7], '[^,]+') do
  local list = list_of(ARGV[4], step)
  -- A new queue may find a list of the one before it, which is about to go: what is put there now is not to go with it.
  if expires then call('PEXPIRE', list, ARGV[6]) elseif is_new then call('PERSIST', list) end
end
if expires then
  local now = call('TIME')
  call('PEXPIRE', key, ARGV[6])
  call('ZADD', EXPIRING, tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000) + tonumber(ARGV[6]), ARGV[4])
end
return stored
`,
);

/**
 * Starts the time anew after which an unused queue goes away, if it is there and has such a time: who touches it may not know yet that
 * it was deleted, or declared again without one.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; KEYS[3..] the lists of the queue; ARGV[4] name, ARGV[5] milliseconds
 */
export const touchQueue = script(
  'touch-queue',
  topologyLib,
  `
if call('PTTL', record_of(ARGV[4])) < 0 then return end
local now = call('TIME')
call('PEXPIRE', record_of(ARGV[4]), ARGV[5])
for i = 3, #KEYS do call('PEXPIRE', KEYS[i], ARGV[5]) end
call('ZADD', EXPIRING, tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000) + tonumber(ARGV[5]), ARGV[4])
`,
);

/**
 * Removes the record of a queue and every binding to it.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; ARGV[4] name. Returns the exchanges that had such a binding.
 */
export const dropQueue = script('drop-queue', topologyLib, `return drop_queue(ARGV[4])`);

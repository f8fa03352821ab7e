import { script } from './script.js';
import { topologyLib } from './topology-lib.js';

/**
 * Stores the record of a queue unless there is one.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; ARGV[4] name, ARGV[5] the record as JSON, ARGV[6] after how many milliseconds
 * without use the queue goes away, or ''. Returns the record that is stored now.
 */
export const saveQueue = script(
  'save-queue',
  topologyLib,
  `
local key = record_of(ARGV[4])
if call('SETNX', key, ARGV[5]) == 1 and ARGV[6] ~= '' then
  local now = call('TIME')
  call('PEXPIRE', key, ARGV[6])
  call('ZADD', EXPIRING, tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000) + tonumber(ARGV[6]), ARGV[4])
end
return call('GET', key)
`,
);

/**
 * Starts the time anew after which an unused queue goes away.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; KEYS[3..] the lists of the queue; ARGV[4] name, ARGV[5] milliseconds
 */
export const touchQueue = script(
  'touch-queue',
  topologyLib,
  `
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

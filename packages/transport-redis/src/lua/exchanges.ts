import { script } from './script.js';
import { tableLib } from './table-lib.js';
import { topologyLib } from './topology-lib.js';

/**
 * Reads the routing table of an exchange.
 *
 * KEYS[1] our own record, KEYS[2] the binding set. Returns version, own record (flat), members of the set.
 */
export const loadExchange = script(
  'load-exchange',
  tableLib,
  `
local version, members = table_of(KEYS[1], KEYS[2])
return { version, redis.call('HGETALL', KEYS[1]), members }
`,
);

/**
 * Stores the record of an exchange unless there is one.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; ARGV[4] name, ARGV[5] type, ARGV[6] the record as JSON. Returns the record that is
 * stored now.
 */
export const saveExchange = script(
  'save-exchange',
  topologyLib,
  `
local own = own_of(ARGV[4])
if call('HSETNX', own, 'record', ARGV[6]) == 1 then
  call('HSET', own, 'type', ARGV[5], 'v', VERSION)
  call('SADD', EXCHANGES, ARGV[4])
end
return call('HGET', own, 'record')
`,
);

/**
 * Removes an exchange and every binding from and to it.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; ARGV[4] name. Returns the exchanges it was bound to.
 */
export const dropExchange = script(
  'drop-exchange',
  topologyLib,
  `
local name = ARGV[4]
local own = own_of(name)
local touched = {}
local fields = call('HKEYS', own)
for i = 1, #fields do
  local source = match(fields[i], '^from:(.*)$')
  if source then
    if unbind_all(source, 'exchange', name) then touched[#touched + 1] = source end
  else
    local binding = sub(fields[i], 1, 2) == 'b:' and decoded(fields[i])
    if binding and binding[1] == 'exchange' then
      call('HDEL', own_of(binding[2]), 'from:' .. name)
    elseif binding then
      call('SREM', bound_of(binding[2]), name)
    end
  end
end
local members = call('SMEMBERS', bindings_of(name))
for i = 1, #members do
  local queue = members[i]
  while true do
    local a, b = string.find(queue, SEP, 1, true)
    if not a then break end
    queue = sub(queue, b + 1)
  end
  call('SREM', bound_of(queue), name)
end
call('DEL', own, bindings_of(name))
call('SREM', EXCHANGES, name)
return touched
`,
);

import { script } from './script.js';
import { topologyLib } from './topology-lib.js';

/**
 * Binds a queue or an exchange to an exchange. Bindings of queues to direct, topic and fanout exchanges go into the set that
 * Python reads; all others into our own record of the exchange.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; ARGV[4] exchange, ARGV[5] `queue` or `exchange`, ARGV[6] destination, ARGV[7] the
 * exchange's type as its name tells it or '', ARGV[8] the member of the set, ARGV[9] the same with a topic's pattern, ARGV[10]
 * the binding as JSON
 */
export const bind = script(
  'bind',
  topologyLib,
  `
local exchange, kind, destination = ARGV[4], ARGV[5], ARGV[6]
local own, set = own_of(exchange), bindings_of(exchange)
local type = call('HGET', own, 'type') or ARGV[7]
if type == '' then
  local member = call('SRANDMEMBER', set)
  local a, b = string.find(member or '', SEP, 1, true)
  type = a and string.find(member, SEP, b + 1, true) ~= b + 1 and 'topic' or 'direct'
end
call('SADD', EXCHANGES, exchange)
if kind == 'exchange' then
  if call('HSETNX', own, 'b:' .. ARGV[10], '1') == 1 then call('HSET', own, 'v', VERSION) end
  call('HSET', own_of(destination), 'from:' .. exchange, '1')
  return
end
call('SADD', bound_of(destination), exchange)
if type == 'topic' then
  call('SADD', set, ARGV[9])
elseif type == 'direct' or type == 'fanout' then
  call('SADD', set, ARGV[8])
elseif call('HSETNX', own, 'b:' .. ARGV[10], '1') == 1 then
  call('HSET', own, 'v', VERSION)
end
`,
);

/**
 * Removes a binding: every member of the set with that key and queue, whatever its pattern, and our own one.
 *
 * KEYS[1..2], ARGV[1..3]: see `topologyLib`; ARGV[4] exchange, ARGV[5] `queue` or `exchange`, ARGV[6] destination, ARGV[7]
 * routing key, ARGV[8] the binding as JSON
 */
export const unbind = script(
  'unbind',
  topologyLib,
  `
local exchange, kind, destination = ARGV[4], ARGV[5], ARGV[6]
local own, set = own_of(exchange), bindings_of(exchange)
if call('HDEL', own, 'b:' .. ARGV[8]) == 1 then call('HSET', own, 'v', VERSION) end
local left = false
local fields = call('HKEYS', own)
for i = 1, #fields do
  local binding = sub(fields[i], 1, 2) == 'b:' and decoded(fields[i])
  if binding and binding[1] == kind and binding[2] == destination then left = true end
end
if kind == 'exchange' then
  if not left then call('HDEL', own_of(destination), 'from:' .. exchange) end
  return
end
local head, tail = ARGV[7] .. SEP, SEP .. destination
local members = call('SMEMBERS', set)
for i = 1, #members do
  local member = members[i]
  if sub(member, -#tail) == tail then
    if sub(member, 1, #head) == head and #member >= #head + #tail then
      call('SREM', set, member)
    else
      left = true
    end
  end
end
if not left then call('SREM', bound_of(destination), exchange) end
`,
);

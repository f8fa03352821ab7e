/**
 * Lua functions for declarations. Every script that includes them has
 *
 * - KEYS[1] the names of all exchanges that were declared or bound to from here: set
 * - KEYS[2] queues that expire: sorted set, name by the moment in milliseconds
 * - ARGV[1] the prefix of every key, ARGV[2] the separator inside a binding and before a list's step, ARGV[3] a fresh version
 *
 * Our own record of an exchange is a hash: `record` (JSON), `type`, `v` (changes with every change of ours), `b:` and a
 * binding as JSON (`[destination type, destination, routing key, arguments]`) for bindings that Python has no form for, and
 * `from:` and an exchange that is bound to this one. What a queue is bound to is a set of exchange names.
 */
export const topologyLib = `
local call, sub, match = redis.call, string.sub, string.match
local EXCHANGES, EXPIRING = KEYS[1], KEYS[2]
local PREFIX, SEP, VERSION = ARGV[1], ARGV[2], ARGV[3]

local function own_of(exchange) return PREFIX .. '_kombu.node.exchange.' .. exchange end
local function bindings_of(exchange) return PREFIX .. '_kombu.binding.' .. exchange end
local function record_of(queue) return PREFIX .. '_kombu.node.queue.' .. queue end
local function bound_of(queue) return PREFIX .. '_kombu.node.bound.' .. queue end

local function list_of(queue, step)
  if step == '0' then return PREFIX .. queue end
  return PREFIX .. queue .. SEP .. step
end

local function decoded(field)
  local ok, value = pcall(cjson.decode, sub(field, 3))
  return ok and type(value) == 'table' and value or nil
end

-- Removes what binds the destination to the exchange; true when there was something.
local function unbind_all(exchange, kind, destination)
  local found = false
  if kind == 'queue' then
    local tail = SEP .. destination
    local members = call('SMEMBERS', bindings_of(exchange))
    for i = 1, #members do
      if sub(members[i], -#tail) == tail then
        call('SREM', bindings_of(exchange), members[i])
        found = true
      end
    end
  end
  local own = own_of(exchange)
  local fields = call('HKEYS', own)
  for i = 1, #fields do
    local binding = sub(fields[i], 1, 2) == 'b:' and decoded(fields[i])
    if binding and binding[1] == kind and binding[2] == destination then
      call('HDEL', own, fields[i])
      call('HSET', own, 'v', VERSION)
      found = true
    end
  end
  return found
end

-- Removes the record of a queue and every binding to it; the exchanges that had one.
local function drop_queue(queue)
  local touched = {}
  local names = call('SUNION', EXCHANGES, bound_of(queue))
  for i = 1, #names do
    if unbind_all(names[i], 'queue', queue) then touched[#touched + 1] = names[i] end
  end
  call('DEL', record_of(queue), bound_of(queue))
  call('ZREM', EXPIRING, queue)
  return touched
end
`;

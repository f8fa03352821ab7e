/**
 * Lua that the other parts build on, for the scripts that touch the lists of queues. Every script that includes it has ARGV[1] the prefix of every list, ARGV[2]
 * the separator before a list's step, ARGV[3] the prefix of the queue records, ARGV[4] the prefix of the binding sets.
 *
 * `list_of(queue, step)`: the list of a queue's messages of one step
 */
export const listLib = `
local call = redis.call
local byte, find, match, sub, format = string.byte, string.find, string.match, string.sub, string.format
local PREFIX, SEP, RECORDS, BINDINGS = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function list_of(queue, step)
  if step == '0' then return PREFIX .. queue end
  return PREFIX .. queue .. SEP .. step
end
`;

/**
 * The beginning that both put scripts share (needs `listLib` and `tableLib`): compares the routing
 * tables. When one has changed nothing is stored and the script returns the list of all that have: for each its number
 * (from 1), its version, its own record and its bindings.
 *
 * KEYS[6..]: for each table its own record and its binding set. ARGV[5] how many tables, ARGV[6..] their versions.
 * Leaves `a`, the position of the next argument, in scope.
 */
export const putLib = `
local tables = tonumber(ARGV[5])
local stale = {}
for i = 1, tables do
  local own, bindings = KEYS[2 * i + 4], KEYS[2 * i + 5]
  local version, members = table_of(own, bindings)
  if version ~= ARGV[i + 5] then
    local n = #stale
    stale[n + 1], stale[n + 2], stale[n + 3], stale[n + 4] = i, version, call('HGETALL', own), members
  end
end
if #stale > 0 then return stale end
local a = 6 + tables
`;

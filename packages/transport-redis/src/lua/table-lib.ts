/**
 * Lua function that reads the routing table of an exchange (needs nothing).
 *
 * `table_of(own, bindings)`: the version of the table, its own record (flat field and value list) and the members of the
 * binding set. The version is the number of our own last change, a bar, and the digest of the set's members in the order
 * that the server lists them.
 */
export const tableLib = String.raw`
local function table_of(own, bindings)
  local members = redis.call('SMEMBERS', bindings)
  return (redis.call('HGET', own, 'v') or '') .. '|' .. redis.sha1hex(table.concat(members, '\n')), members
end
`;

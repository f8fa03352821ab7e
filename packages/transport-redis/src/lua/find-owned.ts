import { script } from './script.js';

/**
 * Looks through one page of our marks for those of certain owners.
 *
 * KEYS[1] our marks (see `leaseLib`); ARGV[1] cursor of HSCAN, ARGV[2..] the owners. Returns the next cursor, then delivery tag,
 * owner and queue of each.
 */
export const findOwned = script(
  'find-owned',
  `
local wanted = {}
for i = 2, #ARGV do wanted[ARGV[i]] = true end
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 1000)
local reply = { page[1] }
for i = 1, #page[2], 2 do
  local owner, queue = string.match(page[2][i + 1], '^([^|]*)|%d+|%d+|%d+|[^|]*|(.*)$')
  if owner and wanted[owner] then
    local n = #reply
    reply[n + 1], reply[n + 2], reply[n + 3] = page[2][i], owner, queue
  end
end
return reply
`,
);

import { script } from './script.js';

/**
 * Adds a consumer of a queue, or renews it.
 *
 * KEYS[1] the consumers of the queue: sorted set, `x` (exclusive) or `-`, bar, owner, bar, consumer, by the moment in
 * milliseconds when its lease ends. ARGV[1] member, ARGV[2] time to live in milliseconds.
 *
 * Returns 1, or 0 when an exclusive consumer is there, or this one wants to be exclusive and is not alone.
 */
export const join = script(
  'join',
  `
local now = redis.call('TIME')
now = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local members = redis.call('ZRANGE', KEYS[1], 0, -1)
local exclusive = string.sub(ARGV[1], 1, 1) == 'x'
for i = 1, #members do
  if members[i] ~= ARGV[1] and (exclusive or string.sub(members[i], 1, 1) == 'x') then return 0 end
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
`,
);

/**
 * Removes a consumer (ARGV[1], '' for none) of a queue.
 *
 * KEYS[1]: see `join`. Returns how many live consumers are left.
 */
export const leave = script(
  'leave',
  `
local now = redis.call('TIME')
now = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[1] ~= '' then
  local members = redis.call('ZRANGE', KEYS[1], 0, -1)
  for i = 1, #members do
    if string.match(members[i], '^[-x]|[^|]*|(.*)$') == ARGV[1] then redis.call('ZREM', KEYS[1], members[i]) end
  end
end
return redis.call('ZCARD', KEYS[1])
`,
);

/**
 * Makes a queue an owner's own, or renews that.
 *
 * KEYS[1] the owner of the queue; ARGV[1] owner, ARGV[2] time to live in milliseconds. Returns 1, or 0 when it is another's.
 */
export const claim = script(
  'claim',
  `
local there = redis.call('GET', KEYS[1])
if there and there ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`,
);

/** Gives a claim up: KEYS[1] and ARGV[1] as in `claim`. */
export const unclaim = script(
  'unclaim',
  `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`,
);

import { envelopeLib } from './envelope-lib.js';
import { jsonLib } from './json-lib.js';
import { leaseLib } from './lease-lib.js';
import { listLib } from './list-lib.js';
import { recordLib } from './record-lib.js';
import { script } from './script.js';

/**
 * Reserves messages at the head of a queue's lists whose time is over, without handing them to a consumer.
 *
 * KEYS[1..5], ARGV[1..4]: see `leaseLib`; ARGV[5] owner, ARGV[6] max, ARGV[7] lease in milliseconds, ARGV[8] now in
 * milliseconds, ARGV[9] the queue, ARGV[10..] its steps
 *
 * Returns a flat list: the delivery tag and the envelope of each.
 */
export const reserveExpired = script(
  'reserve-expired',
  listLib,
  jsonLib,
  envelopeLib,
  leaseLib,
  recordLib,
  `
local max, now, queue = tonumber(ARGV[6]), tonumber(ARGV[8]), ARGV[9]
local raws, homes, cuts = {}, {}, {}
prime()
for a = 10, #ARGV do
  local list = list_of(queue, ARGV[a])
  local home = { queue = queue, step = ARGV[a] }
  local taken = 0
  while #raws < max do
    local raw = call('LINDEX', list, -taken - 1)
    local expiry = raw and expiry_of(raw)
    if not expiry or expiry > now then break end
    taken = taken + 1
    raws[#raws + 1], homes[#homes + 1] = raw, home
  end
  if taken > 0 then cuts[#cuts + 1] = { list, -taken - 1 } end
end
if #raws == 0 then return {} end
local tags = record(raws, homes, ARGV[5], tonumber(ARGV[7]))
for i = 1, #cuts do call('LTRIM', cuts[i][1], 0, cuts[i][2]) end
local reply = {}
for i = 1, #raws do
  weigh(queue, -1, -body_bytes(raws[i]))
  reply[2 * i - 1], reply[2 * i] = tags[i], raws[i]
end
return reply
`,
);

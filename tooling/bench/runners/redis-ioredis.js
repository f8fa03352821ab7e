// The raw driver: LPUSH one message a command, and a bare Lua batch loop that reserves and records as Kombu's format asks.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { run } from './scenarios.js';

const RESERVE = `
local got = redis.call('RPOP', KEYS[1], ARGV[1])
if not got then return {} end
local now = tonumber(ARGV[2])
for _, raw in ipairs(got) do
  local tag = cjson.decode(raw)['properties']['delivery_tag']
  redis.call('HSET', KEYS[2], tag, '[' .. raw .. ', "", "' .. KEYS[1] .. '"]')
  redis.call('ZADD', KEYS[3], now, tag)
end
return got`;

let settings;
let redis;
let key;

function envelope(body) {
  return JSON.stringify({
    body: Buffer.from(JSON.stringify(body)).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: {},
    properties: {
      delivery_mode: 2,
      delivery_info: { exchange: '', routing_key: key },
      priority: 0,
      body_encoding: 'base64',
      delivery_tag: randomUUID(),
    },
  });
}

await run({
  async open(given) {
    settings = given;
    key = `raw.${settings.id}`;
    redis = new Redis(settings.url);
    redis.defineCommand('reserve', { numberOfKeys: 3, lua: RESERVE });
  },
  clear: () => redis.del(key, `${key}.unacked`, `${key}.index`),
  publish: (body) => redis.lpush(key, envelope(body)),
  counts: async () => ({ stored: await redis.llen(key), inFlight: await redis.hlen(`${key}.unacked`) }),
  async consume(onBody) {
    let on = true;
    const acks = [];
    const loop = (async () => {
      const prefetch = String(settings.prefetch ?? 100);
      while (on) {
        const got = await redis.reserve(key, `${key}.unacked`, `${key}.index`, prefetch, String(Date.now() / 1000));
        if (got.length === 0) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          continue;
        }
        const tags = [];
        for (const raw of got) {
          const message = JSON.parse(raw);
          onBody(JSON.parse(Buffer.from(message.body, 'base64').toString()));
          tags.push(message.properties.delivery_tag);
        }
        acks.push(
          redis
            .multi()
            .zrem(`${key}.index`, ...tags)
            .hdel(`${key}.unacked`, ...tags)
            .exec(),
        );
        if (acks.length > 8) await acks.shift();
      }
    })();
    return async () => {
      on = false;
      await loop;
      await Promise.all(acks);
    };
  },
  close: async () => {
    await redis.del(key, `${key}.unacked`, `${key}.index`);
    await redis.quit();
  },
});

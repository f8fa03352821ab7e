import { OperationalError } from '@kombu/core';
import type { Redis } from 'ioredis';
import type { Address } from './socket.js';

/** CRC-16/XMODEM, by which a cluster spreads keys (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/). */
function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

/** The slot of every key that has this hash tag. */
export function slotOf(hashTag: string): number {
  return crc16(hashTag) % 16384;
}

/** Asks a node of a cluster which master has a slot. A node that does not say its own host is at the one it was asked at. */
export async function resolveSlot(client: Redis, slot: number, askedAt: Address): Promise<Address> {
  const ranges = await client.call('cluster', 'slots');
  if (Array.isArray(ranges)) {
    for (const range of ranges) {
      if (!Array.isArray(range) || !Array.isArray(range[2])) continue;
      const [from, to, [host, port]] = range as [number, number, [string | null, number]];
      if (slot < from || slot > to) continue;
      if (host) return { host, port };
      if ('host' in askedAt) return { host: askedAt.host, port };
    }
  }
  throw new OperationalError('BROKER_BUSY', `the cluster has no master for slot ${slot} just now`);
}

import { createHash } from 'node:crypto';
import { mkdirSync, rmdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PresenceEntry, PresenceStore } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { encodeName } from './file-name.js';
import { RecordFiles } from './record-files.js';
import { codeOf, isMissing } from './translate-error.js';

/** How often two consumers that want a queue for themselves at the same moment try again. */
const ATTEMPTS = 8;

interface Claim {
  readonly owner: string;
}

/**
 * Who consumes, and whose exclusive queues are: a file each, whose own time is the end of its lease, so that what a killed
 * process leaves behind runs out.
 */
export function createPresence(context: DriverContext): PresenceStore {
  const { link, folders, transport } = context;
  const files = new RecordFiles(folders.controlDrafts);
  const now = (): number => transport.clock.now();
  const endsAt = (ms: number) => (draft: string) => utimesSync(draft, new Date(now() + ms), new Date(now() + ms));
  const isLive = (file: string): boolean => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > now();

  const folderOf = (queue: string): string => path.join(folders.consumers, encodeName(queue));
  const nameOf = (consumer: string): string => createHash('sha256').update(consumer).digest('hex').slice(0, 24);
  const fileOf = ({ queue, consumer, exclusive }: PresenceEntry): string =>
    path.join(folderOf(queue), `${exclusive ? 'x' : 's'}-${nameOf(consumer)}`);
  /** Names of the live consumers of a queue; the others are removed. */
  const live = (queue: string): readonly string[] =>
    files.list(folderOf(queue)).filter((name) => {
      const file = path.join(folderOf(queue), name);
      if (isLive(file)) return true;
      files.remove(file);
      return false;
    });
  const enter = (entry: PresenceEntry, ttlMs: number): void => {
    for (;;) {
      mkdirSync(folderOf(entry.queue), { recursive: true });
      try {
        files.write(fileOf(entry), { consumer: entry.consumer, owner: entry.owner }, endsAt(ttlMs));
        return;
      } catch (error) {
        if (!isMissing(error) || statSync(folderOf(entry.queue), { throwIfNoEntry: false }) !== undefined) throw error;
      }
    }
  };
  const tidy = (queue: string): void => {
    try {
      rmdirSync(folderOf(queue));
    } catch (error) {
      if (!isMissing(error) && codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    }
  };

  const claimFile = (queue: string): string => path.join(folders.claims, `${encodeName(queue)}.json`);
  const usedFile = (queue: string): string => path.join(folders.used, encodeName(queue));
  const guard = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
    link.check();
    try {
      return await work();
    } catch (error) {
      throw link.translate(error, what);
    }
  };

  return {
    join: (entry, ttlMs) =>
      guard(`consuming from queue '${entry.queue}'`, async () => {
        const name = nameOf(entry.consumer);
        for (let attempt = 1; ; attempt++) {
          // Each shows itself first and then looks, so that of two at least one sees the other.
          enter(entry, ttlMs);
          const others = live(entry.queue).filter((other) => other.slice(2) !== name);
          const refused = entry.exclusive ? others.length > 0 : others.some((other) => other.startsWith('x'));
          if (!refused) return true;
          files.remove(fileOf(entry));
          if (attempt >= ATTEMPTS) return false;
          await sleep(Math.random() * 10 * attempt);
        }
      }),
    leave: (queue, consumer) =>
      guard(`leaving queue '${queue}'`, () => {
        const name = nameOf(consumer);
        let found = false;
        for (const kind of ['s', 'x']) if (files.remove(path.join(folderOf(queue), `${kind}-${name}`))) found = true;
        const left = live(queue).length;
        if (left === 0) tidy(queue);
        if (found) touchIfUsed(usedFile(queue), now());
        return left;
      }),
    count: (queue) => guard(`counting consumers of queue '${queue}'`, () => live(queue).length),
    renew: (entries, ttlMs) =>
      guard('renewing consumers', () => {
        for (const entry of entries) enter(entry, ttlMs);
      }),
    claim: (queue, owner, ttlMs) =>
      guard(`claiming queue '${queue}'`, () => {
        const file = claimFile(queue);
        for (;;) {
          if (files.create(file, { owner } satisfies Claim, endsAt(ttlMs))) return true;
          const held = files.read<Claim>(file);
          if (held === undefined) continue;
          if (held.owner === owner) {
            endsAt(ttlMs)(file);
            return true;
          }
          if (isLive(file)) return false;
          const away = files.takeAway(file);
          if (away !== undefined) files.remove(away);
        }
      }),
    claimedBy: (queue) =>
      guard(`asking for the owner of queue '${queue}'`, () =>
        isLive(claimFile(queue)) ? files.read<Claim>(claimFile(queue))?.owner : undefined,
      ),
    unclaim: (queue, owner) =>
      guard(`giving up queue '${queue}'`, () => {
        if (files.read<Claim>(claimFile(queue))?.owner === owner) files.remove(claimFile(queue));
      }),
    touch: (queue, expiresMs) =>
      guard(`marking queue '${queue}' as used`, () => {
        if (expiresMs <= 0) files.remove(usedFile(queue));
        else if (!touchIfUsed(usedFile(queue), now())) writeFileSync(usedFile(queue), '');
      }),
    idleSince(queue) {
      if (!link.isOpen || live(queue).length > 0) return undefined;
      return statSync(usedFile(queue), { throwIfNoEntry: false })?.mtimeMs;
    },
  };
}

/** Marks a file as changed just now; `false`: it is not there. */
function touchIfUsed(file: string, now: number): boolean {
  try {
    utimesSync(file, new Date(now), new Date(now));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

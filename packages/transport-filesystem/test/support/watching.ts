import { writeFileSync } from 'node:fs';
import { type KombuError, silentLogger, systemClock, type TransportContext } from '@kombu/core';
import type { Reserved, Watch } from '@kombu/core/virtual';
import type { DriverContext } from '../../src/driver-context.js';
import { NameGiver } from '../../src/file-name.js';
import { FolderIndex } from '../../src/folder-index.js';
import { FolderLink } from '../../src/folder-link.js';
import { prepareFolders, resolveFolders } from '../../src/folders.js';
import { createReserve } from '../../src/reserve.js';
import { createWatch } from '../../src/watch.js';
import { makeFolder } from './folder.js';

const ENVELOPE = '{"body":"","properties":{"delivery_tag":"t"}}';

/** The parts of a driver that wait for messages, over a folder of their own. */
export interface Watching {
  readonly path: string;
  readonly context: DriverContext;
  readonly watch: Watch;
  readonly warnings: readonly KombuError[];
  /** How often each queue was woken. */
  readonly wakes: ReadonlyMap<string, number>;
  /** The name of a new message of a queue. */
  name(queue: string): string;
  /** Puts a message into a queue as another process would. */
  put(queue: string): void;
  reserve(queue: string, max: number): Promise<readonly Reserved[]>;
  stop(): Promise<void>;
}

export async function startWatching(
  options: { readonly fsWatch?: boolean; readonly pollingIntervalMs?: number } = {},
  ...system: readonly [] | readonly [NonNullable<Parameters<typeof createWatch>[1]>]
): Promise<Watching> {
  const folder = await makeFolder();
  const link = new FolderLink(resolveFolders(folder.path, {}));
  await prepareFolders(link.folders);
  const warnings: KombuError[] = [];
  const wakes = new Map<string, number>();
  const names = new NameGiver(() => Date.now());
  const transport: TransportContext = {
    signal: new AbortController().signal,
    logger: silentLogger,
    clock: systemClock,
    connectionId: 'test',
    warn: (error) => warnings.push(error),
    blocked() {},
    unblocked() {},
  };
  const index = new FolderIndex(link);
  const settings = { fsync: false, shareWithPython: false, pollingIntervalMs: 50, fsWatch: true, leaseMs: 60_000 };
  const parts = { link, folders: link.folders, names, index, transport, ...settings, ...options };
  const news = createWatch(parts, ...system);
  const context: DriverContext = { ...parts, wake: (queue) => news.wake(queue) };
  const watch = news.watch((queue) => wakes.set(queue, (wakes.get(queue) ?? 0) + 1));
  const name = (queue: string): string => names.give(queue, 0, false);
  const reserve = createReserve(context);
  return {
    path: folder.path,
    context,
    watch,
    warnings,
    wakes,
    name,
    put: (queue) => writeFileSync(`${folder.path}/${name(queue)}`, ENVELOPE),
    reserve: async (queue, max) =>
      reserve({ queues: [queue], max, leaseMs: 60_000, noAck: false, waitMs: 0, signal: transport.signal }),
    async stop() {
      await watch.close();
      link.end();
      await folder.remove();
    },
  };
}

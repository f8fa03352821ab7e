import { existsSync, type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { QueueDrops, type TopologyStore } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { decodeName } from './file-name.js';

const SUFFIX = '.json';

/** Tells of queues whose records are removed, by whatever process; undefined where the system does not tell of files. */
export function watchDrops({ fsWatch, folders, link }: DriverContext): TopologyStore['onQueueDropped'] | undefined {
  if (!fsWatch) return undefined;
  const drops = new QueueDrops();
  let watcher: FSWatcher;
  try {
    watcher = watch(folders.queues, { persistent: false }, (_, name) => {
      if (name === null || !name.endsWith(SUFFIX) || !link.isOpen || existsSync(path.join(folders.queues, name)))
        return;
      drops.tell(decodeName(name.slice(0, -SUFFIX.length)));
    });
  } catch {
    // Core looks for deleted queues now and then.
    return undefined;
  }
  watcher.on('error', () => watcher.close());
  link.closed.then(() => watcher.close());
  return (listener) => drops.listen(listener);
}

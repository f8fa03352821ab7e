import { unlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { ChannelError, throwIfAborted } from '@kombu/core';
import type { VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { fits, parseFileName } from './file-name.js';
import { parseHeld } from './reservation.js';
import { isMissing } from './translate-error.js';

/** Throws PRECONDITION_FAILED for a queue whose files would have names that are too long. */
export function checkName(queue: string): void {
  if (fits(queue)) return;
  throw new ChannelError(
    'PRECONDITION_FAILED',
    `the name of queue '${queue.slice(0, 40)}...' is too long for the names of files`,
  );
}

/** The part of the driver that knows queues as a whole. A queue is its files, and the record that core keeps in the topology. */
export function createQueues(
  context: DriverContext,
  isDeclared: (queue: string) => Promise<boolean>,
): Pick<VirtualDriver, 'createQueue' | 'deleteQueue' | 'hasQueue' | 'size' | 'purge'> {
  const { link, folders, index } = context;

  /** Removes files; resolves with how many were there. */
  const remove = (folder: string, names: readonly string[], queue: string): number => {
    let count = 0;
    for (const name of names) {
      try {
        unlinkSync(path.join(folder, name));
        count += 1;
      } catch (error) {
        if (!isMissing(error)) throw link.translate(error, `removing messages of queue '${queue}'`);
      }
    }
    return count;
  };

  const purge = async (queue: string): Promise<number> => {
    const files = [...(await index.current(queue))];
    for (const file of files) index.take(file);
    return remove(
      folders.in,
      files.map(({ name }) => name),
      queue,
    );
  };

  return {
    async createQueue({ name }, o) {
      throwIfAborted(o?.signal, 'declaring a queue');
      link.check();
      checkName(name);
    },
    async deleteQueue(queue) {
      link.check();
      await purge(queue);
      const held = await readdir(folders.inFlight).catch((error: unknown) => {
        throw link.translate(error, `deleting queue '${queue}'`);
      });
      const mine = held.filter((name) => parseFileName(parseHeld(name)?.name ?? '')?.queue === queue);
      remove(folders.inFlight, mine, queue);
    },
    async hasQueue(queue) {
      link.check();
      return (await isDeclared(queue)) || (await index.current(queue)).length > 0;
    },
    async size(queue) {
      link.check();
      return (await index.current(queue)).length;
    },
    async purge(queue) {
      link.check();
      return purge(queue);
    },
  };
}

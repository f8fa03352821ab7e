import type { TransportContext } from '@kombu/core';
import type { NameGiver } from './file-name.js';
import type { FolderIndex } from './folder-index.js';
import type { FolderLink } from './folder-link.js';
import type { Folders } from './folders.js';

/** What all parts of one driver share. */
export interface DriverContext {
  readonly link: FolderLink;
  readonly folders: Folders;
  readonly names: NameGiver;
  readonly index: FolderIndex;
  readonly transport: TransportContext;
  readonly fsync: boolean;
  readonly shareWithPython: boolean;
  /** Longest time in milliseconds between two looks at the folder, where the system does not tell of new files. */
  readonly pollingIntervalMs: number;
  readonly fsWatch: boolean;
  readonly leaseMs: number;
  /** Tells this link's consumers at once of what it has itself put into a queue. */
  wake(queue: string): void;
}

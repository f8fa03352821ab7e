import type { OptionSpecs } from '@kombu/core';

/** The transport options of the file system, besides those that every virtual transport has. Relative paths start at the working folder. */
export interface FilesystemOptions {
  /** The folder that messages are consumed from. Default: the path of the URL. */
  dataFolderIn?: string;
  /** The folder that messages are published to: the `dataFolderIn` of whoever is to get them. Default: the path of the URL. */
  dataFolderOut?: string;
  /** Whether acknowledged messages are kept in `processedFolder` instead of being removed. Default false. */
  storeProcessed?: boolean;
  /** Where acknowledged messages are kept. Default: `processed` in `dataFolderIn`. */
  processedFolder?: string;
  /** Exchanges and bindings. Default: `control` in the path of the URL, or in the data folder where both are the same one. */
  controlFolder?: string;
  /**
   * Whether bindings are kept in the `.exchange` files that Python Kombu >= 5.3 reads, which needs the program `flock`.
   * `false`: in records of our own only, which need no lock. All that share a folder need the same. Default true.
   */
  shareWithPython?: boolean;
  /** Whether a publish resolves only once its file is on the disk, so that it survives a power cut. Default true. */
  fsync?: boolean;
  /**
   * Whether the system tells of new files. `false`: the folder is looked at every `pollingIntervalMs`, for network file systems
   * that do not tell of what other machines do. Default true.
   */
  fsWatch?: boolean;
}

/** Kinds, defaults and descriptions of {@link FilesystemOptions}. */
export const filesystemOptionSpecs: OptionSpecs<FilesystemOptions> = {
  dataFolderIn: { kind: 'string', doc: "The folder that messages are consumed from; default: the URL's path." },
  dataFolderOut: {
    kind: 'string',
    doc: "The folder that messages are published to, the consumers' `dataFolderIn`; default: the URL's path.",
  },
  storeProcessed: { kind: 'boolean', default: false, doc: 'Whether acknowledged messages are kept.' },
  processedFolder: {
    kind: 'string',
    doc: 'Where acknowledged messages are kept; default: `processed` in `dataFolderIn`.',
  },
  controlFolder: {
    kind: 'string',
    doc: "Exchanges and bindings; default: `control` in the URL's path, or in the one data folder.",
  },
  shareWithPython: {
    kind: 'boolean',
    default: true,
    doc: 'Whether bindings are kept where Python Kombu >= 5.3 reads them, which needs the program `flock`.',
  },
  fsync: {
    kind: 'boolean',
    default: true,
    doc: 'Whether a publish resolves only once its file is on the disk, so that it survives a power cut.',
  },
  fsWatch: {
    kind: 'boolean',
    default: true,
    doc: 'Whether the system tells of new files; `false`, for network file systems: look every `pollingIntervalMs`.',
  },
};

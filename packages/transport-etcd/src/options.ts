import type { OptionSpecs } from '@kombu/core';

/** The transport options of etcd, besides those that every virtual transport has. */
export interface EtcdOptions {
  /** What every key begins with. Default `kombu/`. The virtual host of the URL comes after it. */
  prefix?: string;
}

/** Kinds, defaults and descriptions of {@link EtcdOptions}. */
export const etcdOptionSpecs: OptionSpecs<EtcdOptions> = {
  prefix: {
    kind: 'string',
    default: 'kombu/',
    doc: 'What every key begins with; the virtual host of the URL comes after it.',
  },
};

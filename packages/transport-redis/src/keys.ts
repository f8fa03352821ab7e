import { InvalidOptionError } from '@kombu/core';

/** What the names of keys and channels are made of. */
export interface KeyOptions {
  readonly globalKeyprefix: string;
  readonly hashTag: string | undefined;
  readonly sep: string;
  readonly unackedKey: string;
  readonly unackedIndexKey: string;
  readonly unackedMutexKey: string;
  readonly prioritySteps: readonly number[];
  readonly fanoutPrefix: boolean | string;
  readonly database: number;
}

/** The names of every key and channel of one broker. Those with `_kombu.node.` are ours: Python never reads them. */
export interface Keys {
  /** In front of every key and channel. */
  readonly prefix: string;
  /** Between a queue and its step, and between the parts of a binding. */
  readonly sep: string;
  /** In front of fanout channels, `prefix` included. */
  readonly channelPrefix: string;
  readonly unacked: string;
  readonly unackedIndex: string;
  readonly unackedMutex: string;
  readonly marks: string;
  readonly leases: string;
  readonly sizes: string;
  readonly exchanges: string;
  readonly expiring: string;
  readonly recordPrefix: string;
  readonly bindingPrefix: string;
  /** The steps in ascending order, as text. */
  readonly steps: readonly string[];
  /** The step that each priority from 0 to 9 is stored under. */
  readonly stepOf: readonly string[];
  list(queue: string, step: string): string;
  /** Every list of a queue. */
  lists(queue: string): string[];
  /** The queue that a list belongs to; undefined: it is not one of ours. */
  queueOf(list: string): string | undefined;
  /** Whether a queue of that name would be stored where the broker itself keeps something. */
  isTaken(queue: string): boolean;
  record(queue: string): string;
  binding(exchange: string): string;
  ownExchange(exchange: string): string;
  presence(queue: string): string;
  claim(queue: string): string;
}

/** Maps priorities to steps as Python's bisect does: the largest step that is not above, the last one where there is none. */
function stepsByPriority(steps: readonly number[]): string[] {
  return Array.from({ length: 10 }, (_, priority) => {
    const step = steps.findLast((s) => s <= priority) ?? steps.at(-1);
    return String(step);
  });
}

/** Builds the names of every key. */
export function createKeys(options: KeyOptions): Keys {
  const { sep, hashTag } = options;
  if (sep === '') throw new InvalidOptionError("transport option 'sep' must not be empty");
  if (hashTag !== undefined && /[{}]/.test(hashTag)) {
    throw new InvalidOptionError("transport option 'hashTag' is written without braces");
  }
  const prefix = (hashTag ? `{${hashTag}}` : '') + options.globalKeyprefix;
  const own = `${prefix}_kombu.node.`;
  const steps = [...options.prioritySteps].sort((a, b) => a - b).map(String);
  const fanout = options.fanoutPrefix === true ? '/{db}.' : options.fanoutPrefix === false ? '' : options.fanoutPrefix;
  const taken = new Set([options.unackedKey, options.unackedIndexKey, options.unackedMutexKey]);
  const isStep = new Set(steps);
  const list = (queue: string, step: string) => (step === '0' ? prefix + queue : prefix + queue + sep + step);
  return {
    prefix,
    sep,
    channelPrefix: prefix + fanout.replaceAll('{db}', String(options.database)),
    unacked: prefix + options.unackedKey,
    unackedIndex: prefix + options.unackedIndexKey,
    unackedMutex: prefix + options.unackedMutexKey,
    marks: `${own}marks`,
    leases: `${own}leases`,
    sizes: `${own}sizes`,
    exchanges: `${own}exchanges`,
    expiring: `${own}expiring`,
    recordPrefix: `${own}queue.`,
    bindingPrefix: `${prefix}_kombu.binding.`,
    steps,
    stepOf: stepsByPriority([...options.prioritySteps].sort((a, b) => a - b)),
    list,
    lists: (queue) => steps.map((step) => list(queue, step)),
    queueOf(key) {
      if (!key.startsWith(prefix)) return undefined;
      const name = key.slice(prefix.length);
      const at = name.lastIndexOf(sep);
      // A separator of one's own may be part of a queue's name as well.
      return at >= 0 && isStep.has(name.slice(at + sep.length)) ? name.slice(0, at) : name;
    },
    isTaken: (queue) => taken.has(queue) || queue.startsWith('_kombu.'),
    record: (queue) => `${own}queue.${queue}`,
    binding: (exchange) => `${prefix}_kombu.binding.${exchange}`,
    ownExchange: (exchange) => `${own}exchange.${exchange}`,
    presence: (queue) => `${own}presence.${queue}`,
    claim: (queue) => `${own}claim.${queue}`,
  };
}

import type { OptionSpecs } from '../transport/options.js';
import type { VirtualOptions } from './transport-spec.js';

/** {@link VirtualOptions} with every default filled in. */
export interface ResolvedVirtualOptions {
  readonly bodyEncoding: 'base64' | 'utf-8';
  readonly pollingIntervalMs: number;
  readonly deadletterQueue: string | undefined;
  readonly leaseMs: number;
  readonly maxUnacked: number;
  readonly maxInFlight: number;
}

/** The options that every virtual transport has, for its own list of options. */
export const virtualOptionSpecs: OptionSpecs<VirtualOptions> = {
  bodyEncoding: {
    kind: 'string',
    default: 'base64',
    oneOf: ['base64', 'utf-8'],
    doc: 'How bodies are written inside the envelope. Bodies that are not UTF-8 are always base64.',
  },
  pollingIntervalMs: {
    kind: 'duration',
    default: 1000,
    min: 1,
    doc: 'Longest time between two looks at a queue, where the store cannot tell of new messages.',
  },
  deadletterQueue: { kind: 'string', doc: 'Queue that takes what no binding takes, with a warning event.' },
  leaseMs: {
    kind: 'duration',
    default: 60_000,
    min: 100,
    doc: "How long a dead consumer's messages stay hidden; renewed while it lives.",
  },
  maxUnacked: {
    kind: 'integer',
    default: 10_000,
    min: 1,
    doc: 'How many messages one consumer may hold unsettled when its prefetch is 0 (no limit).',
  },
  maxInFlight: {
    kind: 'integer',
    default: 10_000,
    min: 1,
    doc: 'How many publishes of one channel may wait for the broker at once; above it publish rejects with BUFFER_FULL.',
  },
};

/** Fills in the defaults. */
export function resolveVirtualOptions(options: VirtualOptions): ResolvedVirtualOptions {
  return {
    bodyEncoding: options.bodyEncoding ?? 'base64',
    pollingIntervalMs: options.pollingIntervalMs ?? 1000,
    deadletterQueue: options.deadletterQueue || undefined,
    leaseMs: options.leaseMs ?? 60_000,
    maxUnacked: options.maxUnacked ?? 10_000,
    maxInFlight: options.maxInFlight ?? 10_000,
  };
}

/** One file of `comparisons/`: what is measured over one transport. */
export interface TransportBench {
  readonly transport: string;
  /** Starts the broker. Absent: it needs none. */
  readonly start?: () => Promise<RunningBroker | { readonly unavailable: string }>;
  /** Packages of this folder's package.json that are measured against: their versions go with the results. */
  readonly libraries?: readonly string[];
  readonly comparisons: readonly Comparison[];
}

export interface RunningBroker {
  readonly url: string;
  readonly version?: string | undefined;
  /** The server's process, whose CPU time is then shown beside the client's. */
  readonly pid?: number | undefined;
  close(): Promise<unknown>;
}

/** One subject against its references, all with the same settings. */
export interface Comparison {
  /** Names the comparison within its transport. */
  readonly what: string;
  /** The figure that is compared. Default `rate`: messages a second. */
  readonly figure?: FigureName;
  /** What every runner is given as JSON, with `url` and a unique `id`; see runners/scenarios.js. */
  readonly settings: Settings;
  readonly subject: Participant;
  readonly references: readonly Reference[];
  /** The least and the most that the subject's own figure may be, in its unit: a target without a reference. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Why a target is missed, after real effort: what a profile showed. Printed where it is missed. */
  readonly reason?: string;
  /** How many rounds count; default: `--pairs`. For what has no reference, or hardly varies. */
  readonly rounds?: number;
  /** `false` leaves it out of `--quick`; settings go over what `--quick` makes of them. */
  readonly quick?: boolean | Settings;
}

export interface Participant {
  readonly name: string;
  /** A file of `runners/`: `.js`, or `.py` for Python. */
  readonly runner: string;
  /** What is true for this one only, over the comparison's settings. */
  readonly settings?: Settings;
  /** `python-kombu`: skipped where no Python has Kombu. */
  readonly needs?: 'python-kombu';
}

/** Targets here are for the ratio subject / reference. */
export interface Reference extends Participant {
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly reason?: string;
}

export type Settings = Readonly<Record<string, unknown>>;

/** What a runner can measure; units in figures.js. */
export type FigureName =
  | 'rate'
  | 'p50'
  | 'p99'
  | 'memoryGrowth'
  | 'idleCpu'
  | 'brokerIdleCpu'
  | 'clientCpu'
  | 'brokerCpu'
  | 'nanos'
  | 'bytes'
  | 'allocations'
  | 'calls';

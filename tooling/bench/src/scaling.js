import { withSettings } from './subjects.js';

/**
 * Series that say how a transport's cost grows. Each is a list of comparisons to spread into a transport's own; none of them is
 * part of `--quick`, but for the memory and the idle CPU of those that set a target.
 */

const label = (n) => n.toLocaleString('en');

/** Consuming with 1 and with 10 messages unsettled at a time. */
export const byPrefetch = ({ settings, subject, references, messages }) =>
  [1, 10].map((prefetch) => ({
    what: `consume + ack, prefetch ${prefetch}`,
    settings: { ...settings, scenario: 'consume', prefetch, messages: messages[prefetch] },
    subject,
    references,
    quick: false,
  }));

/** Publishing and consuming bodies of 100 bytes, 10 KiB and 256 KiB. */
export const byBody = ({ publish, consume, subject, references, messages }) =>
  [
    { bytes: 100, name: '100 B' },
    { bytes: 10 * 1024, name: '10 KiB' },
    { bytes: 256 * 1024, name: '256 KiB' },
  ].flatMap(({ bytes, name }) => {
    const large = bytes > 100_000;
    const size = { bytes, messages: messages[name], warmUp: large ? 20 : 1_000, fillInFlight: large ? 16 : 256 };
    return [
      {
        what: `publish, bodies of ${name}`,
        settings: { ...publish, ...size, inFlight: large ? 16 : publish.inFlight },
        subject,
        references,
        quick: false,
      },
      {
        what: `consume + ack, bodies of ${name}`,
        settings: { ...consume, ...size },
        subject,
        references,
        quick: false,
      },
    ];
  });

/** Consuming the same number of messages out of 100 queues, against 1 and 10. `atLeast` is what 100 have to reach of 1. */
export const byQueues = ({ settings, subject, atLeast }) => ({
  what: 'consume + ack by number of queues',
  settings,
  subject: withSettings(subject, { queues: 100 }, '100 queues'),
  references: [
    { ...withSettings(subject, { queues: 1 }, '1 queue'), ...(atLeast !== undefined && { atLeast }) },
    withSettings(subject, { queues: 10 }, '10 queues'),
  ],
  quick: false,
});

/** Consuming out of a queue that holds `most` messages, against 1,000 and 10,000. `atLeast` is what `most` has to reach of 1,000. */
export const byBacklog = ({ settings, subject, most = 200_000, atLeast }) => ({
  what: 'consume + ack by backlog',
  settings: { ...settings, scenario: 'backlog', messages: Math.min(20_000, most) },
  subject: withSettings(subject, { backlog: most }, `backlog ${label(most)}`),
  references: [
    { ...withSettings(subject, { backlog: 1_000 }, 'backlog 1,000'), ...(atLeast !== undefined && { atLeast }) },
    ...(most > 10_000 ? [withSettings(subject, { backlog: 10_000 }, 'backlog 10,000')] : []),
  ],
  quick: false,
});

/** How far the memory of a process rises while messages of 1 KiB pass through it, in MB. */
export const memoryGrowth = ({ settings = {}, subject, references = [], messages = 200_000, atMost }) => ({
  what: `memory while ${label(messages)} messages of 1 KiB pass`,
  figure: 'memoryGrowth',
  settings: { inFlight: 64, prefetch: 100, ...settings, scenario: 'memory', bytes: 1024, messages },
  subject,
  references,
  ...(atMost !== undefined && { atMost }),
  rounds: 3,
  quick: atMost !== undefined,
});

/** Percent of a core that a consumer of 100 empty queues uses. */
export const idleCpu = ({ settings = {}, subject, atMost }) => ({
  what: 'CPU while idle with 100 queues',
  figure: 'idleCpu',
  settings: { prefetch: 100, ...settings, scenario: 'idle', queues: 100 },
  subject,
  references: [],
  ...(atMost !== undefined && { atMost }),
  rounds: 3,
  quick: atMost !== undefined,
});

/** Time from publish to handler with nothing else going on. */
export const latency = ({ settings = {}, subject, references }) => ({
  what: 'latency, idle',
  figure: 'p50',
  settings: { messages: 500, prefetch: 100, ...settings, scenario: 'latency' },
  subject,
  references,
});

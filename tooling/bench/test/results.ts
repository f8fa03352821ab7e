const spread = (median: number) => ({ median, min: median * 0.9, max: median * 1.1 });

/** Results of a transport as a run writes them, with a row of every kind. */
export function someResults(name = 'redis') {
  return {
    name,
    date: '2026-01-02T03:04:05.000Z',
    quick: false,
    pairs: 5,
    machine: { cpu: 'A <fast> CPU', cores: 2, memoryGb: 8, system: 'Linux 6', node: 'v20.20.2' },
    broker: '7.0.15',
    python: '5.2.4',
    libraries: { ioredis: '6.0.0' } as Record<string, string>,
    rows: [
      {
        what: 'publish',
        figure: 'rate',
        date: '2026-01-02T03:04:05.000Z',
        subject: { name: '@kombu/core', figures: { rate: spread(120_000), clientCpu: spread(8), calls: spread(16) } },
        references: [
          {
            name: 'ioredis',
            figures: { rate: spread(60_000) },
            ratio: spread(2),
            target: { atLeast: 1.3 },
            verdict: 'met',
          },
          {
            name: 'BullMQ <add>',
            figures: { rate: spread(40_000) },
            ratio: spread(3),
            target: { atLeast: 4 },
            verdict: 'missed',
            reason: 'most of the time is spent in X',
          },
          { name: 'Python Kombu', target: { atLeast: 40 }, skipped: 'there is no Python with Kombu here' },
        ],
      },
      {
        what: 'idle',
        figure: 'idleCpu',
        date: '2026-01-02T03:04:05.000Z',
        subject: { name: '@kombu/core', figures: { idleCpu: spread(0.2) } },
        target: { atMost: 2 },
        verdict: 'met',
        references: [],
      },
      { what: 'broken', error: '1 of 50 messages are missing' },
    ],
  };
}

/**
 * What a run can measure: how it is called in a table, its unit, and how many digits tell the truth.
 *
 * @type {Readonly<Record<import('./types.d.ts').FigureName, { label: string, unit: string, digits: number }>>}
 */
export const FIGURES = {
  rate: { label: 'rate', unit: 'messages/s', digits: 0 },
  p50: { label: 'p50', unit: 'ms', digits: 3 },
  p99: { label: 'p99', unit: 'ms', digits: 3 },
  memoryGrowth: { label: 'memory growth', unit: 'MB', digits: 1 },
  idleCpu: { label: 'idle CPU', unit: '% of a core', digits: 2 },
  brokerIdleCpu: { label: 'idle broker', unit: '% of a core', digits: 2 },
  clientCpu: { label: 'client CPU', unit: 'µs/message', digits: 1 },
  brokerCpu: { label: 'broker CPU', unit: 'µs/message', digits: 1 },
  nanos: { label: 'time', unit: 'ns', digits: 0 },
  bytes: { label: 'allocated', unit: 'B', digits: 0 },
  allocations: { label: 'allocations', unit: '', digits: 1 },
  calls: { label: 'calls', unit: 'per 1,000 messages', digits: 0 },
};

/**
 * The figures of one run, from what its runner printed. A rate is worked out here, so that no runner can do it in its own way.
 *
 * @param {Record<string, number>} printed
 */
export function figuresOf({ messages, seconds, ...printed }) {
  const figures = seconds === undefined ? {} : { rate: messages / seconds };
  for (const name of Object.keys(FIGURES)) {
    if (typeof printed[name] === 'number') figures[name] = printed[name];
  }
  return figures;
}

/** A number as people read it: `12,345`, `0.087`. */
export function formatNumber(number, digits) {
  return number.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `12,345 messages/s`. */
export function formatFigure(name, number) {
  const { unit, digits } = FIGURES[name];
  return `${formatNumber(number, digits)} ${unit}`.trimEnd();
}

import type { Result } from './job.js';

/** Everything that the table shows. */
export interface Summary {
  readonly results: readonly Result[];
  /** Messages that were sent: tasks and answers. */
  readonly messages: number;
  readonly seconds: number;
  readonly killed: string | undefined;
}

/** The table at the end of a run. */
export function table(summary: Summary): string {
  const { results, messages, seconds, killed } = summary;
  const rows: [string, string][] = [
    ['files', String(results.length)],
    ['bytes', results.reduce((sum, r) => sum + r.bytes, 0).toLocaleString('en')],
    ['seconds', seconds.toFixed(2)],
    ['messages/s', Math.round(messages / seconds).toLocaleString('en')],
    ['redelivered', String(results.filter((r) => r.redelivered).length)],
  ];
  const workers = new Map<string, number>();
  for (const { worker } of results) workers.set(worker, (workers.get(worker) ?? 0) + 1);
  for (const [name, count] of [...workers].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))) {
    rows.push([name, `${count} files${name === killed ? ' (killed)' : ''}`]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

/** What the suite has to say beside passed and failed. */
export interface ReportEntry {
  /**
   * `skipped`: a case was not run, because a hook is absent. `undeclared`: something works that the transport's capabilities
   * do not declare. `not-declared`: a case was answered by showing that the transport refuses what it does not declare.
   */
  readonly kind: 'skipped' | 'undeclared' | 'not-declared';
  readonly transport: string;
  /** The group and the case. */
  readonly test: string;
  readonly text: string;
}

/** One line for an entry. */
export function formatEntry(entry: ReportEntry): string {
  return `conformance ${entry.transport}: ${entry.kind}: ${entry.test}: ${entry.text}`;
}

/** Collects entries, each once, and hands them out at the end. */
export class Report {
  readonly #entries = new Map<string, ReportEntry>();

  add(entry: ReportEntry): void {
    this.#entries.set(formatEntry(entry), entry);
  }

  get entries(): readonly ReportEntry[] {
    return [...this.#entries.values()];
  }

  /** Hands everything to `listener`; without one, writes what is not `skipped` (the runner shows those) to stderr. */
  flush(listener?: (entry: ReportEntry) => void): void {
    for (const [line, entry] of this.#entries) {
      if (listener !== undefined) listener(entry);
      else if (entry.kind !== 'skipped') process.stderr.write(`${line}\n`);
    }
    this.#entries.clear();
  }
}

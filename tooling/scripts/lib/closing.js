/** The report of a run that left none. */
export function noReport(name) {
  return { passed: 0, failed: 1, skips: [], unexplained: [], failures: [`${name} left no report`], complete: false };
}

/** Of checks that were not asked for. */
const NOTHING = { passed: 0, failed: 0, skips: [], unexplained: [], failures: [], complete: true, exitCode: 0 };

/**
 * The lines that `npm test` ends with: what failed, one line per skipped suite with its reason, and the counts. A run that did
 * not end, ended with an error that no test shows, or skipped a test without a reason has failed.
 */
export function closingLines({ tests, checks = NOTHING }) {
  const lines = [];
  let failed = 0;
  let skipped = 0;
  for (const [name, report] of Object.entries({ tests, checks })) {
    const own = [...report.failures];
    let count = report.failed + report.unexplained.length;
    own.push(...report.unexplained.map((test) => `${test}: skipped without a reason`));
    if (report.timedOut) own.push(`the ${name} were stopped: they took too long`);
    else if (!report.complete) own.push(`the ${name} did not run to their end`);
    else if (report.exitCode !== 0 && count === 0) own.push(`the ${name} ended with code ${report.exitCode}`);
    if (own.length > 0 && count === 0) count = 1;
    failed += count;
    skipped += report.skips.length + report.unexplained.length;
    lines.push(...own.map((failure) => `failed: ${failure}`));
  }
  lines.push(
    ...skipLines([...tests.skips, ...checks.skips]),
    `${tests.passed + checks.passed} passed, ${failed} failed, ${skipped} skipped`,
  );
  return { lines, failed };
}

/** One line for each suite and reason, with the number of tests where it is more than one. */
function skipLines(skips) {
  const counts = new Map();
  for (const { suite, reason } of skips) {
    const line = `skipped: ${suite}: ${reason}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => (count === 1 ? line : `${line} (${count} tests)`));
}

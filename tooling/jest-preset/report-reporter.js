import { writeFileSync } from 'node:fs';
import path from 'node:path';

const REASON = /^skipped: (.+)$/;

/**
 * A jest reporter that writes what `npm test` closes with to the file named by KOMBU_TEST_REPORT, after every test file, so
 * that a run that is cut off leaves what it had.
 *
 * A suite that cannot run on this machine has one skipped test whose title is `skipped: REASON`. A test skipped in any other
 * way has no reason, and is reported as unexplained.
 */
export default class ReportReporter {
  #file = process.env.KOMBU_TEST_REPORT;
  #report = { passed: 0, failed: 0, skips: [], unexplained: [], failures: [], complete: false };

  onTestResult(test, result) {
    const report = this.#report;
    const file = path.relative(process.cwd(), test.path);
    report.passed += result.numPassingTests;
    report.failed += result.numFailingTests;
    if (result.testExecError || (result.failureMessage && result.numFailingTests === 0)) {
      report.failed += 1;
      report.failures.push(file);
    }
    for (const one of result.testResults) {
      const suite = [test.context.config.displayName?.name, one.ancestorTitles[0]].filter(Boolean).join(' > ');
      if (one.status === 'failed') report.failures.push(`${file}: ${one.fullName}`);
      if (one.status === 'passed' || one.status === 'failed') continue;
      const reason = REASON.exec(one.title)?.[1];
      if (reason === undefined) report.unexplained.push(`${file}: ${one.fullName}`);
      else report.skips.push({ suite, reason });
    }
    this.#write();
  }

  onRunComplete() {
    this.#report.complete = true;
    this.#write();
  }

  #write() {
    if (this.#file) writeFileSync(this.#file, JSON.stringify(this.#report));
  }
}

// `npm test`: makes a fresh clone ready, runs every test and every check, and closes with the counts. `--full` runs the
// crash and property tests with their full counts. Names of projects (`npm test -- core transport-redis`) run their tests only.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closingLines, noReport } from './lib/closing.js';
import { ROOT } from './lib/repository.js';
import { run } from './lib/run.js';
import { setup } from './setup.js';

const full = process.argv.includes('--full');
const projects = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const selected = projects.length > 0 ? ['--selectProjects', ...projects] : [];
const LIMIT_MS = (full ? 80 : 25) * 60_000;

const scale = process.env.KOMBU_TEST_SCALE ?? (full ? '1' : '0.2');
const folder = mkdtempSync(path.join(tmpdir(), 'kombu-report-'));
const files = { tests: path.join(folder, 'tests.json'), checks: path.join(folder, 'checks.json') };
const env = {
  ...process.env,
  KOMBU_TEST_SCALE: scale,
  KOMBU_TEST_REPORT: files.tests,
  KOMBU_CHECK_REPORT: files.checks,
};
const deadline = performance.now() + LIMIT_MS;

function readReport(file, name) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return noReport(name);
  }
}

await setup();

process.stderr.write(`> tests (scale ${scale})\n`);
const jest = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
const config = path.join(ROOT, 'tooling', 'jest-preset', 'all.config.js');
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const tests = await run(process.execPath, [...flags, jest, '--config', config, ...selected], {
  env,
  timeoutMs: LIMIT_MS,
});

async function runChecks() {
  process.stderr.write('> checks\n');
  const timeoutMs = Math.max(60_000, deadline - performance.now());
  return run(process.execPath, [path.join(import.meta.dirname, 'check.js')], { env, timeoutMs });
}
const checks = projects.length > 0 ? undefined : await runChecks();

const { lines, failed } = closingLines({
  tests: { ...readReport(files.tests, 'the tests'), exitCode: tests.code, timedOut: tests.timedOut },
  checks: checks && { ...readReport(files.checks, 'the checks'), exitCode: checks.code, timedOut: checks.timedOut },
});
rmSync(folder, { recursive: true, force: true });
process.exitCode = failed > 0 ? 1 : 0;
process.stdout.write(`${lines.join('\n')}\n`);

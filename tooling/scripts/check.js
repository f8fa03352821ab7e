// `pnpm check [names...] [--update]`: everything that is checked beside the tests. `--update` rewrites what is generated: API
// reports and tables of READMEs.
import { writeFileSync } from 'node:fs';
import { checks } from './checks/index.js';
import { build, install } from './setup.js';

const update = process.argv.includes('--update');
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = names.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  process.stderr.write(`no check ${unknown.join(', ')}; there are: ${checks.map((check) => check.name).join(', ')}\n`);
  process.exit(1);
}

await install();
const built = await build().then(
  () => true,
  () => false,
);
const report = { passed: 0, failed: 0, skips: [], unexplained: [], failures: [], complete: false };
for (const { name, run, needsBuild } of checks.filter((check) => names.length === 0 || names.includes(check.name))) {
  const from = performance.now();
  const problems = needsBuild && !built ? ['the build failed'] : await run({ update }).catch((error) => [error.stack]);
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  process.stdout.write(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  for (const problem of problems) process.stdout.write(`       ${problem.trim().replaceAll('\n', '\n       ')}\n`);
  if (problems.length === 0) report.passed++;
  else {
    report.failed++;
    report.failures.push(`check ${name}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`);
  }
}
report.complete = true;
if (process.env.KOMBU_CHECK_REPORT) writeFileSync(process.env.KOMBU_CHECK_REPORT, JSON.stringify(report));
if (report.failed > 0) process.exitCode = 1;

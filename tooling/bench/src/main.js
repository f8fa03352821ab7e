import { loadBenches } from './comparisons/index.js';
import { readOptions, USAGE } from './options.js';
import { runAll } from './run-all.js';

const benches = await loadBenches();

let options;
try {
  options = readOptions(
    process.argv.slice(2),
    benches.map(({ transport }) => transport),
  );
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`);
  process.exit(2);
}

if (options.help) console.log(USAGE);
else process.exitCode = await runAll(benches, options);

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadBenches } from './comparisons/index.js';
import { writeDocs } from './docs.js';
import { readOptions, USAGE } from './options.js';
import { pythonWithKombu } from './python.js';
import { runAll } from './run-all.js';
import { targetsPage } from './targets.js';

const FOLDER = path.resolve(import.meta.dirname, '..');
const benches = await loadBenches();

let options;
try {
  options = readOptions(process.argv.slice(2), [...benches.map(({ transport }) => transport), 'micro']);
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`);
  process.exit(2);
}

if (options.help) console.log(USAGE);
else if (options.targets) writeFileSync(path.join(FOLDER, 'TARGETS.md'), targetsPage(benches));
else if (options.docs) console.log(writeDocs(options.out, path.resolve(FOLDER, '../../docs')));
else {
  process.exitCode = await runAll(benches, options, pythonWithKombu());
  // A broker that was not ready in time may still be starting; it ends with this process.
  if (options.quick) process.exit();
}

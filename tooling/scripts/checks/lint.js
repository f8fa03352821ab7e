import path from 'node:path';
import { ROOT } from '../lib/repository.js';
import { run } from '../lib/run.js';

const BIOME = path.join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');

/** Lint rules and formatting, as .biome.json has them: among them no import cycles and no file above 300 lines. */
export async function lint() {
  const { code, output } = await run(
    process.execPath,
    [BIOME, 'check', '--error-on-warnings', '--diagnostic-level=warn', '--max-diagnostics=50'],
    {
      quiet: true,
    },
  );
  return code === 0 ? [] : [output];
}

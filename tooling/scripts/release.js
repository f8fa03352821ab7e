// `npm run release`: builds everything anew and publishes the packages whose version the registry does not have. `--dry-run`
// shows what each package would contain, and publishes nothing.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { pnpm } from './lib/pnpm.js';
import { publicPackages } from './lib/repository.js';

const dryRun = process.argv.includes('--dry-run');

async function must(args, options) {
  const { code } = await pnpm(args, options);
  if (code !== 0) process.exit(code);
}

for (const { folder } of publicPackages()) rmSync(path.join(folder, 'dist'), { recursive: true, force: true });
await must(['exec', 'turbo', 'run', 'build', '--force', '--output-logs=errors-only', '--log-prefix=none']);
if (dryRun) {
  for (const { folder, name, manifest } of publicPackages()) {
    process.stdout.write(`${name} ${manifest.version}\n`);
    await must(['pack', '--dry-run'], { cwd: folder });
    await must(['publish', '--dry-run', '--no-git-checks', '--access', 'public'], { cwd: folder });
  }
} else {
  // Runs below pnpm, and so publishes with it, which puts real ranges in place of workspace: ones.
  await must(['exec', 'changeset', 'publish']);
}

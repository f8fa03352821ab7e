// `npm run version-packages`: takes the changesets in, and brings the lockfile up to date with them.
import { pnpm } from './lib/pnpm.js';

for (const args of [
  ['exec', 'changeset', 'version'],
  ['install', '--lockfile-only', '--no-frozen-lockfile'],
]) {
  const { code } = await pnpm(args);
  if (code !== 0) process.exit(code);
}

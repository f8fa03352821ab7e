// Runs beside a process that starts servers; see janitor.js. When that process is gone, ends what it left running, then
// removes the folders it left behind.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const groups = new Set();
const folders = new Set();

process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});

const lines = createInterface({ input: process.stdin });

lines.on('line', (line) => {
  const message = JSON.parse(line);
  const kind = message.hold ?? message.release;
  const set = kind === 'group' ? groups : folders;
  if (message.hold) set.add(message.what);
  else set.delete(message.what);
});

lines.on('close', () => {
  for (const pid of groups) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // gone already
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  process.exit(0);
});

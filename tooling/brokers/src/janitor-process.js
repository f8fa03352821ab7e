// Runs beside a process that starts servers; see janitor.js. When that process is gone, ends what it left running, then
// removes the folders it left behind.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const held = { group: new Set(), folder: new Set(), command: new Set() };

process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});

const lines = createInterface({ input: process.stdin });

lines.on('line', (line) => {
  /** @type {{ hold?: keyof typeof held, release: keyof typeof held, what: any }} */
  const message = JSON.parse(line);
  if (message.hold) held[message.hold].add(message.what);
  else held[message.release].delete(message.what);
});

lines.on('close', () => {
  for (const pid of held.group) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // gone already
    }
  }
  for (const command of held.command) {
    const [program, ...words] = JSON.parse(command);
    spawnSync(program, words, { stdio: 'ignore', timeout: 60_000 });
  }
  for (const folder of held.folder) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  process.exit(0);
});

// `npm start -- [arguments]`: makes a fresh clone ready, then runs the main job of docs/examples with the arguments.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT } from './lib/repository.js';
import { setup } from './setup.js';

const MAIN = path.join(ROOT, 'docs', 'examples', 'dist', 'file-hashes', 'main.js');

await setup();
const job = spawn(process.execPath, [MAIN, ...process.argv.slice(2)], {
  stdio: 'inherit',
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
// Ctrl-C goes to the job too, which closes in good order; its exit code is ours.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => job.kill('SIGTERM'));
job.once('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));

import path from 'node:path';
import { ROOT, readJson } from './repository.js';
import { run } from './run.js';

/** The pnpm that package.json pins, such as `pnpm@12.21.0`. */
export function pinnedPnpm(root = ROOT) {
  return readJson(path.join(root, 'package.json')).packageManager;
}

/**
 * Runs the pinned pnpm by npx, which comes with Node, so that nothing has to be installed first. Programs that it runs find
 * the same pnpm on their PATH.
 */
export function pnpm(args, options = {}) {
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  const env = {
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    npm_config_update_notifier: 'false',
    ...options.env,
  };
  return run(npx, ['--yes', pinnedPnpm(), ...args], { ...options, env });
}

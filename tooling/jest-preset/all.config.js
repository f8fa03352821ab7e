import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** Every folder of the workspace that has tests. */
const projects = ['packages', 'tooling', 'docs']
  .flatMap((folder) => readdirSync(path.join(root, folder)).map((name) => path.join(root, folder, name)))
  .filter((folder) => existsSync(path.join(folder, 'jest.config.js')));

/** The configuration of a run over the whole repository. */
export default {
  rootDir: root,
  projects,
  // Two, since the brokers that the tests start have to run too.
  maxWorkers: 2,
  // With several projects jest reads it here alone. Time-outs are for what hangs, not for what is slow on a busy machine.
  testTimeout: 60_000,
  watchman: false,
  reporters: ['default', path.join(import.meta.dirname, 'report-reporter.js')],
};

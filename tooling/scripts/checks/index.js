import { apiSurface } from './api-surface.js';
import { docsExamples } from './docs-examples.js';
import { links } from './links.js';
import { lint } from './lint.js';
import { moduleState } from './module-state.js';
import { readmeTables } from './readme-tables.js';
import { skeleton } from './skeleton.js';
import { tarballs } from './tarballs.js';
import { types } from './types.js';

/**
 * All checks, quick ones first. Each is `run({ update })`, which resolves with the problems it found, one text each.
 */
export const checks = [
  { name: 'lint', run: lint },
  { name: 'skeleton', run: skeleton },
  { name: 'links', run: links },
  { name: 'module-state', run: moduleState },
  { name: 'types', needsBuild: true, run: types },
  { name: 'api', needsBuild: true, run: apiSurface },
  { name: 'tables', needsBuild: true, run: readmeTables },
  { name: 'tarballs', needsBuild: true, run: tarballs },
  { name: 'docs', needsBuild: true, run: docsExamples },
];

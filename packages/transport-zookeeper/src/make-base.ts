import type { ZookeeperLink } from './link.js';
import type { Paths } from './paths.js';

/** Makes the znodes that everything else is below, where they are missing. */
export async function makeBase(link: ZookeeperLink, paths: Paths): Promise<void> {
  // Looking first: who may not create at the top may do so further down.
  const there = await Promise.all(paths.base.map((path) => link.stat(path)));
  for (const [i, path] of paths.base.entries()) if (there[i] === undefined) await link.create(path);
}

import type { DriverContext } from './driver-context.js';

/** Makes the znodes that everything else is below, and the one that says that this session lives, where they are missing. */
export async function makeBase({
  link,
  paths,
  session,
}: Pick<DriverContext, 'link' | 'paths' | 'session'>): Promise<void> {
  // Looking first: who may not create at the top may do so further down.
  const there = await Promise.all(paths.base.map((path) => link.stat(path)));
  for (const [i, path] of paths.base.entries()) if (there[i] === undefined) await link.create(path);
  await link.create(paths.session(session.name), 'ephemeral');
}

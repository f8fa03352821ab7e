import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The results in a folder, one file a transport. An empty list where there is no such folder. */
export function readResults(folder) {
  let files;
  try {
    files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return files.sort().map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')));
}

/** Writes one transport's results and its chart; resolves with the names of the files. */
export function writeResults(folder, results, chart) {
  mkdirSync(folder, { recursive: true });
  const files = { json: path.join(folder, `${results.name}.json`), svg: path.join(folder, `${results.name}.svg`) };
  writeFileSync(files.json, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(files.svg, chart);
  return files;
}

/**
 * New rows in place of the old ones of the same name, in the order of `order`, where there is one; rows of
 * comparisons that are no more are dropped then.
 * Old rows of a `--quick` run are not mixed with those of a full one.
 */
export function mergeResults(before, now, order) {
  if (before === undefined || before.quick !== now.quick) return now;
  const fresh = new Set(now.rows.map(({ what }) => what));
  const rows = [...now.rows, ...before.rows.filter(({ what }) => !fresh.has(what))];
  if (order === undefined) return { ...now, rows };
  const place = ({ what }) => order.indexOf(what);
  return { ...now, rows: rows.filter((row) => place(row) >= 0).sort((a, b) => place(a) - place(b)) };
}

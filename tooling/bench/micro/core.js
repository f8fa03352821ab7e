import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const DIST = path.join(path.dirname(fileURLToPath(import.meta.resolve('@kombu/core/package.json'))), 'dist');

/** A built module of core that is not part of its public API: micro benchmarks look inside. */
export const core = (file) => import(pathToFileURL(path.join(DIST, file)).href);

/** Keeps results alive, so that the compiler cannot drop the work. */
export const sink = { value: undefined };

/** Runs `op(i)` n times. */
export const loop = (op) => (n) => {
  for (let i = 0; i < n; i++) sink.value = op(i);
};

/** Runs `op(i)` n times, one after the other, where it may give a promise. */
export const asyncLoop = (op) => async (n) => {
  for (let i = 0; i < n; i++) {
    const result = op(i);
    sink.value = result instanceof Promise ? await result : result;
  }
};

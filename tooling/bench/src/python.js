import { spawnSync } from 'node:child_process';

/** The first Python that has Kombu, or undefined. */
export function pythonWithKombu() {
  for (const python of [process.env.KOMBU_PYTHON, '/usr/bin/python3', 'python3']) {
    if (python === undefined) continue;
    const found = spawnSync(python, ['-c', 'import kombu; print(kombu.__version__)'], { encoding: 'utf8' });
    if (found.status === 0) return { python, version: found.stdout.trim() };
  }
  return undefined;
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

function versionIn(file: string | URL): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** The version of this package; unknown where a bundler has taken package.json away. */
export function packageVersion(): string {
  return versionIn(new URL('../../package.json', import.meta.url)) ?? 'unknown';
}

/** The version of amqplib that is installed, where it can be told. */
export function amqplibVersion(): string | undefined {
  try {
    return versionIn(path.join(path.dirname(createRequire(import.meta.url).resolve('amqplib')), 'package.json'));
  } catch {
    return undefined;
  }
}

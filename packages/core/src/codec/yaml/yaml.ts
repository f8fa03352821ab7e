import { types } from 'node:util';
import { DecodeError } from '../../errors/index.js';
import { asBuffer } from '../bytes.js';
import { utf8Text } from '../json/read.js';
import { MAX_DEPTH } from '../limits.js';
import { type OptionalPackage, optionalPackage } from '../optional-package.js';
import { setKey } from '../record.js';
import type { Serializer } from '../serializer.js';
import { DIALECT, escapeUnprintable, WRITING } from './dialect.js';
import { toPlain } from './plain.js';

type Yaml = typeof import('yaml');

const DEFAULT_MAX_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;
const LONG_INTEGER = /\d[\d_]{14}/;

/** How a {@link yamlSerializer} differs from the default one. */
export interface YamlOptions {
  /** The largest body that is read, in bytes. Parsing takes up to 4 s for each MiB of the worst input. @defaultValue 1048576 (1 MiB) */
  readonly maxBytes?: number;
}

/**
 * The `yaml` serializer: YAML 1.1 with the types of PyYAML's `safe_load` and `safe_dump`, both ways: dates are timestamps, bytes
 * are `!!binary`, a `!!set` is a Set, integers beyond 2^53 are bigints. Any other tag (`!!python/...`) is a DecodeError, and so
 * are more than 100 aliases to an anchor and bodies above `maxBytes`. Needs the package `yaml`.
 */
export function yamlSerializer(options: YamlOptions = {}): Serializer {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const library: OptionalPackage<Yaml> = optionalPackage('yaml', 'The yaml serializer', () => import('yaml'));
  return {
    contentType: 'application/x-yaml',
    contentEncoding: 'utf-8',
    prepare: () => library.prepare(),
    encode: (value) => write(library.get(), value),
    decode(body) {
      if (body.length > maxBytes) throw new DecodeError(`The YAML body has more than ${maxBytes} bytes`);
      return read(library.get(), utf8Text(asBuffer(body), 'YAML'));
    },
  };
}

function write(yaml: Yaml, value: unknown): string {
  return escapeUnprintable(yaml.stringify(toPlain(value, '', 0), WRITING));
}

function read(yaml: Yaml, text: string): unknown {
  try {
    const document = yaml.parseDocument(text, { ...DIALECT, intAsBigInt: LONG_INTEGER.test(text) });
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem !== undefined) {
      const what =
        problem.code === 'TAG_RESOLVE_FAILED' ? 'has a tag that is not allowed' : `is malformed (${problem.code})`;
      throw new DecodeError(`The YAML body ${what} at character ${problem.pos[0]}`);
    }
    return settle(document.toJS({ maxAliasCount: MAX_ALIASES }), 0, new Set());
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    if (error instanceof RangeError) throw new DecodeError('The YAML body is nested too deep');
    throw new DecodeError('The YAML body is malformed, or has too many aliases');
  }
}

/** Makes numbers of the bigints that are exact as such, and bounds the depth. Shared values are visited once. */
function settle(value: unknown, depth: number, seen: Set<object>): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== 'object' || value === null || types.isDate(value) || seen.has(value)) return value;
  if (value instanceof Uint8Array) return asBuffer(value);
  if (depth >= MAX_DEPTH) throw new DecodeError(`The YAML body is nested deeper than ${MAX_DEPTH} levels`);
  seen.add(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = settle(value[i], depth + 1, seen);
    return value;
  }
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [String(key), settle(item, depth + 1, seen)]));
  }
  if (value instanceof Set) return new Set([...value].map((item) => settle(item, depth + 1, seen)));
  const record = value as Record<string, unknown>;
  for (const key of Object.keys(record)) setKey(record, key, settle(record[key], depth + 1, seen));
  return record;
}

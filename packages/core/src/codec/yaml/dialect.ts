import type {
  CreateNodeOptions,
  DocumentOptions,
  ParseOptions,
  ScalarTag,
  SchemaOptions,
  Tags,
  ToStringOptions,
} from 'yaml';
import { isoDate } from '../rich.js';

type Tag = Tags[number];

const PREFIX = 'tag:yaml.org,2002:';

/**
 * What PyYAML takes for something other than text when it is not quoted (its `Resolver`); YAML 1.1 itself has more, such as `y` and
 * `1e5`, which Python writes without quotes when they are text.
 */
const IMPLICIT: Readonly<Record<string, RegExp>> = {
  bool: /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
  float:
    /^(?:[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]\d+)?|\.\d[\d_]*(?:[eE][-+]\d+)?|[-+]?\d[\d_]*(?::[0-5]?\d)+\.[\d_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  int: /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][\d_]*)|[-+]?0x[\da-fA-F_]+|[-+]?[1-9][\d_]*(?::[0-5]?\d)+)$/,
  timestamp:
    /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/,
};

/** YAML 1.1 as PyYAML's safe loader and dumper have it: of a key that is repeated the last value counts. */
export const DIALECT = {
  version: '1.1',
  schema: 'yaml-1.1',
  logLevel: 'error',
  prettyErrors: false,
  uniqueKeys: false,
  customTags: (tags) => [exponent, ...tags.map(asPyYaml)],
} as const satisfies ParseOptions & DocumentOptions & SchemaOptions;

/** How it is written: all text quoted, so that none is taken for something else, and nothing merged. */
export const WRITING = {
  ...DIALECT,
  customTags: (tags) => DIALECT.customTags(tags.filter((tag) => nameOf(tag) !== 'merge')),
  defaultStringType: 'QUOTE_DOUBLE',
  defaultKeyType: 'QUOTE_DOUBLE',
  aliasDuplicateObjects: false,
  lineWidth: 0,
} as const satisfies DocumentOptions & SchemaOptions & ToStringOptions & CreateNodeOptions;

/** PyYAML takes a number for a float only when it has a point, and an exponent only with its sign. */
const exponent: ScalarTag = {
  tag: `${PREFIX}float`,
  identify: (value) => typeof value === 'number' && (Object.is(value, -0) || /e/.test(String(value))),
  default: true,
  test: /^(?:[-+]?\d[\d_]*\.[\d_]*|\.\d[\d_]*)[eE][-+]\d+$/,
  resolve: (text) => Number(text.replaceAll('_', '')),
  stringify: ({ value }) => (Object.is(value, -0) ? '-0.0' : String(value).replace(/^(-?\d+)e/, '$1.0e')),
};

function nameOf(tag: Tag): string {
  return typeof tag === 'string' ? tag : tag.tag.slice(PREFIX.length);
}

/**
 * A tag of the library that applies only where PyYAML's does. Timestamps get their offset, so that Python never takes a moment for
 * a date; bytes are quoted base64, since a block at the top would not be indented.
 */
function asPyYaml(tag: Tag): Tag {
  if (typeof tag === 'string') return tag;
  const name = nameOf(tag);
  if (name === 'binary') {
    return {
      ...tag,
      stringify: ({ value }) => `"${Buffer.from(value as Uint8Array).toString('base64')}"`,
    } as ScalarTag;
  }
  if (!('test' in tag) || tag.test === undefined) return tag;
  const implicit = IMPLICIT[name];
  if (implicit === undefined) return tag;
  const narrowed = { ...tag, test: new RegExp(`(?=${implicit.source})${tag.test.source}`) } as ScalarTag;
  if (name === 'timestamp') narrowed.stringify = ({ value }) => isoDate(value as Date);
  return narrowed;
}

/** Characters that PyYAML refuses to see, or takes for line ends; they occur only within quotes. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** YAML text whose quoted parts have every such character as an escape. */
export function escapeUnprintable(yaml: string): string {
  return yaml.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

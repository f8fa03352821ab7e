import type { DocumentOptions, ParseOptions, ScalarTag, SchemaOptions, Tags } from 'yaml';
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

/** YAML 1.1 as PyYAML's safe loader and dumper have it. */
export const DIALECT = {
  version: '1.1',
  schema: 'yaml-1.1',
  logLevel: 'error',
  prettyErrors: false,
  customTags: (tags) => [exponent, ...tags.map(asPyYaml)],
} as const satisfies ParseOptions & DocumentOptions & SchemaOptions;

/** PyYAML takes a number for a float only when it has a point, and an exponent only with its sign. */
const exponent: ScalarTag = {
  tag: `${PREFIX}float`,
  identify: (value) => typeof value === 'number' && (Object.is(value, -0) || /e/.test(String(value))),
  default: true,
  test: /^(?:[-+]?\d[\d_]*\.[\d_]*|\.\d[\d_]*)[eE][-+]\d+$/,
  resolve: (text) => Number(text.replaceAll('_', '')),
  stringify: ({ value }) => (Object.is(value, -0) ? '-0.0' : String(value).replace(/^(-?\d+)e/, '$1.0e')),
};

/** A tag of the library that applies only where PyYAML's does. Timestamps get their offset, so that Python never takes a moment for a date. */
function asPyYaml(tag: Tag): Tag {
  if (typeof tag === 'string' || !('test' in tag) || tag.test === undefined) return tag;
  const name = tag.tag.slice(PREFIX.length);
  const implicit = IMPLICIT[name];
  if (implicit === undefined) return tag;
  const narrowed = { ...tag, test: new RegExp(`(?=${implicit.source})${tag.test.source}`) } as ScalarTag;
  if (name === 'timestamp') narrowed.stringify = ({ value }) => isoDate(value as Date);
  return narrowed;
}

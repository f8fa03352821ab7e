/**
 * How the value of a transport option is checked, and read from a URL. `duration` is milliseconds; under its snake_case name
 * without `Ms` in a URL it is seconds, as in Python.
 */
export type OptionKind =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'number'
  | 'duration'
  | 'list' // of strings; comma-separated in a URL
  | 'object' // not in a URL
  | 'function' // not in a URL
  | 'any'; // checked by the transport itself

/** One option of a transport: what it takes, its default, and the line that the README's table has of it. */
export interface OptionSpec<T = unknown> {
  readonly kind: OptionKind | readonly OptionKind[];
  /** Undefined: no default; the transport sees undefined. */
  readonly default?: T;
  /** One line: what it does. */
  readonly doc: string;
  /** The only values allowed. */
  readonly oneOf?: readonly T[];
  readonly min?: number;
  readonly max?: number;
  /** Kombu's own name for it, where that is not the camelCase name (less `Ms`) in snake_case. */
  readonly kombuName?: string;
}

/** Every option of a transport. */
export type OptionSpecs<O extends object> = { readonly [K in keyof O]-?: OptionSpec<Exclude<O[K], undefined>> };

import { InvalidOptionError } from '../errors/index.js';
import type { OptionKind, OptionSpec } from '../transport/options.js';
import type { Transport } from '../transport/transport.js';
import { didYouMean } from '../util/nearest.js';
import { isSecretName } from './url.js';

type AnySpec = OptionSpec<unknown>;
type AnySpecs = Readonly<Record<string, AnySpec>>;

/** `visibilityTimeoutMs` as Kombu has it: `visibility_timeout`. */
function kombuNameOf(name: string, spec: AnySpec): string {
  if (spec.kombuName !== undefined) return spec.kombuName;
  const bare = kindsOf(spec).includes('duration') ? name.replace(/Ms$/, '') : name;
  return bare.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function kindsOf(spec: AnySpec): readonly OptionKind[] {
  return Array.isArray(spec.kind) ? spec.kind : [spec.kind as OptionKind];
}

/** Reads a boolean as people write them in URLs. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  return undefined;
}

/** Reads a number; undefined when the text is not wholly one. */
export function parseNumber(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

/** The value of one kind that `text` stands for; undefined when it is none. */
function read(kind: OptionKind, text: string, seconds: boolean): unknown {
  switch (kind) {
    case 'boolean':
      return parseBoolean(text);
    case 'integer':
    case 'number':
      return parseNumber(text);
    case 'duration': {
      const number = parseNumber(text);
      return number === undefined ? undefined : number * (seconds ? 1000 : 1);
    }
    case 'list':
      return text.split(',');
    case 'string':
    case 'any':
      return text;
    case 'object':
    case 'function':
      return undefined;
  }
}

function isOf(kind: OptionKind, value: unknown): boolean {
  switch (kind) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'duration':
      return typeof value === 'number' && Number.isFinite(value) && value >= 0;
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'function':
      return typeof value === 'function';
    case 'any':
      return true;
  }
}

const KIND_TEXT: { readonly [K in OptionKind]: string } = {
  string: 'a string',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  duration: 'a number of milliseconds, at least 0',
  list: 'a list of strings',
  object: 'an object',
  function: 'a function',
  any: 'anything',
};

/** Checks one value against its spec; the message never shows a value, which may be a secret. */
function check(owner: string, name: string, value: unknown, spec: AnySpec): void {
  const kinds = kindsOf(spec);
  if (!kinds.some((kind) => isOf(kind, value))) {
    throw new InvalidOptionError(`${owner}: '${name}' must be ${kinds.map((kind) => KIND_TEXT[kind]).join(' or ')}`);
  }
  if (spec.oneOf !== undefined && typeof value !== 'function' && !spec.oneOf.includes(value)) {
    const names = spec.oneOf.filter((v): v is string => typeof v === 'string');
    throw new InvalidOptionError(
      `${owner}: '${name}' must be one of ${spec.oneOf.map((v) => JSON.stringify(v)).join(', ')}${didYouMean(value, names)}`,
    );
  }
  if (typeof value === 'number') {
    if (spec.min !== undefined && value < spec.min)
      throw new InvalidOptionError(`${owner}: '${name}' must be at least ${spec.min}`);
    if (spec.max !== undefined && value > spec.max)
      throw new InvalidOptionError(`${owner}: '${name}' must be at most ${spec.max}`);
  }
}

/**
 * Checks what the user gave as `transportOptions` against the transport's own specs.
 *
 * @throws InvalidOptionError for an unknown name (it says which may be meant) and for a value that is not allowed.
 */
export function checkTransportOptions(transport: Transport, given: object): Record<string, unknown> {
  const specs = transport.options as AnySpecs;
  const owner = `the ${transport.name} transport`;
  const checked: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(given)) {
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (spec === undefined) {
      throw new InvalidOptionError(`${owner} has no option '${name}'${didYouMean(name, Object.keys(specs))}`);
    }
    if (value === undefined) continue;
    check(owner, name, value, spec);
    checked[name] = value;
  }
  return checked;
}

/**
 * Reads the URL parameters that the connection itself does not know as options of the transport: by their camelCase names
 * (durations in milliseconds) or by Kombu's (durations in seconds).
 *
 * @param connectionNames the parameters of every connection, for "did you mean".
 */
export function readTransportParameters(
  transport: Transport,
  parameters: Readonly<Record<string, string>>,
  connectionNames: Iterable<string>,
): Record<string, unknown> {
  const specs = transport.options as AnySpecs;
  const owner = `the ${transport.name}:// URL`;
  const byName = new Map<string, { name: string; spec: AnySpec; seconds: boolean }>();
  const bare = new Map<string, string>();
  for (const [name, spec] of Object.entries(specs)) {
    byName.set(kombuNameOf(name, spec), { name, spec, seconds: kindsOf(spec).includes('duration') });
    byName.set(name, { name, spec, seconds: false });
    if (name.endsWith('Ms')) bare.set(name.slice(0, -2), name);
  }
  const options: Record<string, unknown> = Object.create(null);
  for (const [parameter, text] of Object.entries(parameters)) {
    const found = byName.get(parameter);
    if (found === undefined) {
      const meant = bare.get(parameter);
      if (meant !== undefined) throw bareDuration(owner, parameter, meant, kombuNameOf(meant, specs[meant] as AnySpec));
      throw new InvalidOptionError(
        `${owner} has an unknown parameter '${parameter}'${didYouMean(parameter, [...byName.keys(), ...connectionNames])}`,
      );
    }
    options[found.name] = readOne(owner, parameter, text, found.spec, found.seconds);
  }
  return options;
}

/** The error for a camelCase duration without its unit. */
export function bareDuration(owner: string, given: string, camelCase: string, kombuName: string): InvalidOptionError {
  return new InvalidOptionError(
    `${owner}: '${given}' does not say its unit; write '${camelCase}' (milliseconds) or '${kombuName}' (seconds)`,
  );
}

function readOne(owner: string, parameter: string, text: string, spec: AnySpec, seconds: boolean): unknown {
  // Text takes everything, so it comes last.
  const kinds = [...kindsOf(spec)].sort(
    (a, b) => Number(a === 'string' || a === 'any') - Number(b === 'string' || b === 'any'),
  );
  for (const kind of kinds) {
    const value = read(kind, text, seconds);
    if (value === undefined) continue;
    check(owner, parameter, value, spec);
    return value;
  }
  const allowed = kinds.filter((kind) => kind !== 'object' && kind !== 'function');
  if (allowed.length === 0) {
    throw new InvalidOptionError(`${owner}: '${parameter}' cannot be given in a URL; use transportOptions`);
  }
  const what = allowed.map((kind) =>
    kind === 'duration' && seconds ? 'a number of seconds, at least 0' : KIND_TEXT[kind],
  );
  const shown = isSecretName(parameter) ? '' : `, not '${text.slice(0, 40)}'`;
  throw new InvalidOptionError(`${owner}: '${parameter}' must be ${what.join(' or ')}${shown}`);
}

/** The options of a transport with the defaults of its specs; parameters of the URL win over the arguments. */
export function resolveTransportOptions<O extends object>(transport: Transport<O>, given: object, fromUrl: object): O {
  const resolved: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(transport.options as AnySpecs)) resolved[name] = spec.default;
  return Object.freeze(Object.assign(resolved, given, fromUrl)) as O;
}

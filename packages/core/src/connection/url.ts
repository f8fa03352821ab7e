import { InvalidOptionError } from '../errors/index.js';

/**
 * A connection URL in its parts, percent-decoded. A part that is not given, or is empty, is undefined.
 */
export interface ParsedUrl {
  /** The scheme in lower case, such as `redis` or `redis+socket`. */
  readonly transport: string;
  /** In lower case, without the brackets of IPv6. For `X+rest:///path` the path, with its slash. A `host1:1,host2:2` list stays one text. */
  readonly hostname: string | undefined;
  readonly port: number | undefined;
  readonly userid: string | undefined;
  readonly password: string | undefined;
  /** The path without its first slash: `amqp://h/foo` is `foo`, `amqp://h//` is `/`, `amqp://h//foo` is `/foo`. */
  readonly virtualHost: string | undefined;
  /** The parameters after `?`; blank ones are dropped, of a repeated one the last counts. */
  readonly query: Readonly<Record<string, string>>;
}

/** What {@link formatUrl} takes: {@link ParsedUrl} with everything but the transport left out at will. */
export type UrlParts = Pick<ParsedUrl, 'transport'> & { readonly [K in keyof ParsedUrl]?: ParsedUrl[K] | undefined };

const SCHEME = /^([a-z][a-z0-9+._-]*):\/\//i;
/** Query parameters whose values are secrets. */
const SECRET = /pass|secret|token|credential/i;

/** Whether a name, of an option or a parameter, stands for a secret. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name);
}

/** The scheme of a URL in lower case; undefined for a plain host name. */
export function schemeOf(url: string): string | undefined {
  return SCHEME.exec(url)?.[1]?.toLowerCase();
}

/**
 * Takes a connection URL apart: `transport://userid:password@hostname:port/virtual_host?name=value`. Everything after the
 * scheme is optional. Kombu's rules apply where those of `new URL()` differ: credentials without a host
 * (`sqs://key:secret@`), and exactly one slash before the virtual host.
 *
 * @throws InvalidOptionError, which says what is wrong and never shows the URL, for it may hold a password.
 */
export function parseUrl(url: string): ParsedUrl {
  if (typeof url !== 'string') throw new InvalidOptionError('a URL must be a string');
  const scheme = SCHEME.exec(url);
  if (scheme === null) throw new InvalidOptionError("a URL must begin with its transport, such as 'amqp://'");
  const transport = (scheme[1] as string).toLowerCase();
  const rest = url.slice(scheme[0].length);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (/[\s\u0000-\u001f\u007f]/.test(rest))
    fail(transport, 'white space and control characters must be percent-encoded');
  if (rest.includes('#')) fail(transport, "a '#' must be written as %23");

  const queryAt = rest.indexOf('?');
  const beforeQuery = queryAt < 0 ? rest : rest.slice(0, queryAt);
  const pathAt = beforeQuery.indexOf('/');
  const authority = pathAt < 0 ? beforeQuery : beforeQuery.slice(0, pathAt);
  const path = pathAt < 0 ? '' : beforeQuery.slice(pathAt);

  const at = authority.lastIndexOf('@');
  const credentials = authority.slice(0, Math.max(at, 0));
  const colon = credentials.indexOf(':');
  const { hostname, port } = parseHost(authority.slice(at + 1), transport);
  const parts = {
    transport,
    port,
    userid: decode(colon < 0 ? credentials : credentials.slice(0, colon), transport, 'user name'),
    password: colon < 0 ? undefined : decode(credentials.slice(colon + 1), transport, 'password'),
    query: parseQuery(queryAt < 0 ? '' : rest.slice(queryAt + 1), transport),
  };
  if (hostname === undefined && path !== '' && transport.includes('+')) {
    return { ...parts, hostname: decode(path, transport, 'path'), virtualHost: undefined };
  }
  return { ...parts, hostname, virtualHost: decode(path.slice(1), transport, 'path') };
}

function parseHost(text: string, transport: string): { hostname: string | undefined; port: number | undefined } {
  if (text.includes(',')) return { hostname: decode(text, transport, 'host name')?.toLowerCase(), port: undefined };
  const bracketed = /^\[([^\]]*)\](?::([^:]*))?$/.exec(text);
  if (bracketed === null && /[[\]]/.test(text))
    fail(transport, "the brackets of an IPv6 address must be '[...]' or '[...]:port'");
  const plain = bracketed ?? /^([^:]*)(?::([^:]*))?$/.exec(text);
  if (plain === null)
    fail(transport, 'an IPv6 address needs brackets, and a colon in a password must be percent-encoded');
  const [, host, port] = plain;
  if (port !== undefined && !/^[0-9]*$/.test(port)) {
    fail(transport, "the port is not a number (in a password '/', '?', '#' and '@' must be percent-encoded)");
  }
  if (Number(port) > 65535) fail(transport, 'the port is above 65535');
  return {
    hostname: decode(host ?? '', transport, 'host name')?.toLowerCase(),
    port: port === undefined || port === '' ? undefined : Number(port),
  };
}

function parseQuery(text: string, transport: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=');
    if (equals <= 0) continue;
    const name = decode(pair.slice(0, equals).replaceAll('+', ' '), transport, 'query');
    const value = decode(pair.slice(equals + 1).replaceAll('+', ' '), transport, 'query');
    if (name !== undefined && value !== undefined) query[name] = value;
  }
  return query;
}

/** Percent-decodes; empty is undefined. */
function decode(text: string, transport: string, what: string): string | undefined {
  if (text === '') return undefined;
  if (/%(?![0-9a-f]{2})/i.test(text)) fail(transport, `a '%' in the ${what} must be written as %25`);
  try {
    return decodeURIComponent(text);
  } catch {
    return fail(transport, `the percent-encoding of the ${what} is not UTF-8`);
  }
}

function fail(transport: string, why: string): never {
  throw new InvalidOptionError(`the ${transport}:// URL cannot be read: ${why}`);
}

/** Puts a URL together again; `parseUrl(formatUrl(parts))` gives the same parts. The password is in it. */
export function formatUrl(parts: UrlParts): string {
  return format(parts, (password) => encode(password));
}

/**
 * A URL (or several, joined with `;`) fit for logs: passwords, also in parameters, are replaced by `mask`. Text that is not a
 * URL is masked as a whole.
 */
export function sanitizeUrl(url: string, mask = '**'): string {
  const entries = splitUrls(url);
  const shown = entries.map((entry) => sanitizeOne(entry, mask));
  // What looks like a host name may be a part of a password with a ';' in it.
  if (shown.includes(undefined)) return entries.map((entry) => `${SCHEME.exec(entry)?.[0] ?? ''}${mask}`).join(';');
  return shown.join(';');
}

function sanitizeOne(entry: string, mask: string): string | undefined {
  const scheme = SCHEME.exec(entry)?.[0];
  if (scheme === undefined) return /^[\w.-]+(:\d+)?$/.test(entry) ? entry : undefined;
  // An '@' beyond the host: it may be that of a password which was not encoded.
  if (/[/?].*@/.test(entry.slice(scheme.length))) return undefined;
  try {
    return formatMasked(parseUrl(entry), mask);
  } catch {
    return undefined;
  }
}

/** Like {@link formatUrl}, with every secret replaced by `mask`. */
export function formatMasked(parts: UrlParts, mask: string): string {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(parts.query ?? {})) query[name] = isSecretName(name) ? mask : value;
  return format({ ...parts, query }, () => mask);
}

function format(parts: UrlParts, password: (text: string) => string): string {
  const { transport, hostname = '', userid = '', virtualHost = '' } = parts;
  let url = `${transport}://`;
  if (userid !== '' || parts.password) {
    url += encode(userid);
    if (parts.password) url += `:${password(parts.password)}`;
    url += '@';
  }
  if (hostname.startsWith('/') && transport.includes('+')) url += encodePath(hostname);
  else url += formatHost(hostname);
  if (parts.port !== undefined) url += `:${parts.port}`;
  if (virtualHost !== '') url += `/${encodePath(virtualHost)}`;
  const query = Object.entries(parts.query ?? {}).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return query.length === 0 ? url : `${url}?${query.join('&')}`;
}

function formatHost(hostname: string): string {
  const text = encode(hostname).replaceAll('%3A', ':');
  if (hostname.includes(',')) return text.replaceAll('%2C', ',').replaceAll('%5B', '[').replaceAll('%5D', ']');
  return hostname.includes(':') ? `[${text}]` : text;
}

function encodePath(path: string): string {
  return encode(path).replaceAll('%2F', '/');
}

function encode(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    throw new InvalidOptionError('a part of the URL is not well-formed text');
  }
}

/** The URLs of a `;` list or an array (whose items may be lists), in order, without blank ones. */
export function splitUrls(urls: string | readonly string[]): string[] {
  const list = typeof urls === 'string' ? [urls] : urls;
  if (!Array.isArray(list))
    throw new InvalidOptionError('the URL of a connection must be a string or an array of strings');
  return list.flatMap((item: unknown) => {
    if (typeof item !== 'string') throw new InvalidOptionError('the URL of a connection must be a string');
    return item
      .split(';')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  });
}

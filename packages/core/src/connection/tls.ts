import { readFile } from 'node:fs/promises';
import type { SecureVersion, ConnectionOptions as TlsOptions } from 'node:tls';
import { InvalidOptionError, OperationalError } from '../errors/index.js';
import { didYouMean } from '../util/nearest.js';
import { parseBoolean } from './transport-options.js';
import { isSecretName } from './url.js';

/** The `ssl_*` parameters of a URL, under Python's names. */
export type SslParameters = Readonly<Record<string, string>>;

const VERIFY: Readonly<Record<string, boolean>> = {
  cert_required: true,
  cert_optional: true,
  cert_none: false,
  required: true,
  optional: true,
  none: false,
};

const VERSIONS: Readonly<Record<string, SecureVersion | 'any'>> = {
  protocol_tls: 'any',
  protocol_tls_client: 'any',
  protocol_tlsv1_2: 'TLSv1.2',
  'tlsv1.2': 'TLSv1.2',
  'tlsv1.3': 'TLSv1.3',
};

/** What each parameter does: what it sets by itself, or which file's content it stands for. */
const PARAMETERS: Readonly<Record<string, { set?: (value: string) => TlsOptions; file?: 'ca' | 'cert' | 'key' }>> = {
  ssl_cert_reqs: {
    set: (value) => ({ rejectUnauthorized: oneOf('ssl_cert_reqs', value.toLowerCase(), VERIFY) }),
  },
  ssl_ca_certs: { file: 'ca' },
  ssl_certfile: { file: 'cert' },
  ssl_keyfile: { file: 'key' },
  ssl_password: { set: (value) => ({ passphrase: value }) },
  ssl_check_hostname: {
    set: (value) => {
      const checked = parseBoolean(value);
      if (checked === undefined)
        throw new InvalidOptionError("the parameter 'ssl_check_hostname' must be true or false");
      return checked ? {} : { checkServerIdentity: () => undefined };
    },
  },
  ssl_server_hostname: { set: (value) => ({ servername: value }) },
  ssl_ciphers: { set: (value) => ({ ciphers: value }) },
  ssl_version: {
    set: (value) => {
      const version = oneOf('ssl_version', value.toLowerCase(), VERSIONS);
      return version === 'any' ? {} : { minVersion: version, maxVersion: version };
    },
  },
};

/** The names of all `ssl_*` parameters. */
export const SSL_PARAMETERS: readonly string[] = Object.keys(PARAMETERS);

function oneOf<T>(name: string, value: string, known: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(known, value)) return known[value] as T;
  throw new InvalidOptionError(`the parameter '${name}' must be one of ${Object.keys(known).join(', ')}`);
}

/** Throws InvalidOptionError for `ssl_*` parameters that are unknown or have a value that is not allowed. Reads no file. */
export function checkSslParameters(parameters: SslParameters): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (!Object.hasOwn(PARAMETERS, name)) {
      throw new InvalidOptionError(`unknown URL parameter '${name}'${didYouMean(name, SSL_PARAMETERS)}`);
    }
    PARAMETERS[name]?.set?.(value);
  }
}

/** Options of Node's TLS out of the `ssl_*` parameters, over those given as an argument; reads the files that they name. */
export async function loadTls(parameters: SslParameters, given: TlsOptions): Promise<TlsOptions> {
  const options: TlsOptions = { ...given };
  for (const [name, value] of Object.entries(parameters)) {
    const parameter = PARAMETERS[name];
    Object.assign(options, parameter?.set?.(value));
    if (parameter?.file !== undefined) options[parameter.file] = await readPem(name, value);
  }
  return options;
}

async function readPem(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const shown = isSecretName(name) ? 'its file' : `'${path}'`;
    throw new OperationalError('CONNECT_REFUSED', `the file of '${name}' cannot be read: ${shown}`, { cause });
  }
}

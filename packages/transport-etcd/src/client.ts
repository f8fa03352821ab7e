import { isIP } from 'node:net';
import { type BrokerTarget, InvalidOptionError } from '@kombu/core';
import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import { type ChannelCredentials, followSockets } from './sockets.js';

/** What etcd3 can do of what Node's TLS can. */
const TLS_OPTIONS = new Set(['ca', 'cert', 'key', 'servername', 'rejectUnauthorized', 'passphrase']);

type Tls = NonNullable<BrokerTarget['tls']>;

function pem(name: string, value: Tls['ca'] | Tls['key'] | undefined): Buffer | undefined {
  if (value === undefined) return undefined;
  const parts = (Array.isArray(value) ? value : [value]) as readonly unknown[];
  if (!parts.every((part) => typeof part === 'string' || part instanceof Uint8Array)) {
    throw new InvalidOptionError(`etcd needs the TLS option '${name}' as PEM text`);
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part as string)));
}

function credentials(tls: Tls): NonNullable<IOptions['credentials']> {
  for (const [name, value] of Object.entries(tls)) {
    if (value === undefined || TLS_OPTIONS.has(name)) continue;
    throw new InvalidOptionError(`etcd cannot use the TLS option '${name}'`);
  }
  if (tls.rejectUnauthorized === false) {
    throw new InvalidOptionError(
      'etcd always checks the certificate of the server: give the authority as TLS option ca',
    );
  }
  if (tls.passphrase !== undefined) throw new InvalidOptionError('etcd cannot use a TLS key with a passphrase');
  const [ca, key, cert] = [pem('ca', tls.ca), pem('key', tls.key), pem('cert', tls.cert)];
  // Without an authority of its own, gRPC trusts those that Node does.
  return {
    ...(ca === undefined ? {} : { rootCertificate: ca }),
    ...(key === undefined ? {} : { privateKey: key }),
    ...(cert === undefined ? {} : { certChain: cert }),
  } as NonNullable<IOptions['credentials']>;
}

/** The part of etcd3 that holds the services of a server. */
interface Host {
  readonly channelCredentials: ChannelCredentials;
  cachedServices: Record<string, { close(): void } | undefined>;
  resetAllServices(): void;
  close(): void;
}

/**
 * Has the services of a server closed when they are to be, and the sockets with them. etcd3 waits up to a second for those that are
 * connecting.
 */
function closeAtOnce(host: Host): void {
  const close = host.close.bind(host);
  const endSockets = followSockets(host.channelCredentials);
  host.close = () => {
    close();
    endSockets();
  };
  host.resetAllServices = () => {
    for (const service of Object.values(host.cachedServices)) service?.close();
    host.cachedServices = Object.create(null);
  };
}

/**
 * Sends no server name where the server was named by an address: TLS has none then (RFC 6066, 3), and Node warns of it (DEP0123). The
 * certificate is held against the address as before, which is the `host` of the connection.
 */
function withoutServerName(credentials: ChannelCredentials): void {
  const create = credentials._createSecureConnector;
  if (create === undefined) return;
  credentials._createSecureConnector = (...args) => {
    const connector = create.apply(credentials, args);
    if (isIP(connector.connectionOptions?.servername ?? '') !== 0) delete connector.connectionOptions?.servername;
    return connector;
  };
}

/**
 * Makes a client for one server and one link: it retries nothing and goes to no other server, since the Connection does both. Its
 * services share one socket, which no other link has: gRPC shares sockets between clients whose options are the same.
 */
export function createClient(target: BrokerTarget, name: string): Etcd3 {
  const { hostname = '127.0.0.1', port = 2379, tls } = target;
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  const options: IOptions = {
    hosts: `${tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    faultHandling: { host: () => noop, global: noop },
    grpcOptions: {
      'kombu.link': name,
      // An answer holds as many messages as were asked for.
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.enable_http_proxy': 0,
      ...(tls?.servername === undefined ? {} : { 'grpc.ssl_target_name_override': tls.servername }),
    },
    ...(tls === undefined ? {} : { credentials: credentials(tls) }),
  };
  const client = new Etcd3(options);
  const { pool } = client as unknown as { readonly pool: { readonly hosts: readonly Host[] } };
  for (const one of pool.hosts) {
    closeAtOnce(one);
    if (tls !== undefined) withoutServerName(one.channelCredentials);
  }
  return client;
}

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { type BrokerTarget, InvalidOptionError } from '@kombu/core';
import type { VirtualOptions } from '@kombu/core/virtual';
import type { OtherAccount, SqsOptions } from './options.js';
import { retryStrategy } from './retry.js';
import { roleCredentials } from './role.js';

/** Where there is none in the environment or in a profile. As in Python. */
const DEFAULT_REGION = 'us-east-1';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What lets go of its sockets, which are everybody's. */
interface Destroyable {
  destroy(): void;
}

/** Makes the SDK's clients of one link, one for each region and account. */
export interface Clients {
  /** Of the connection, or of another account or region. */
  of(other?: OtherAccount): SQSClient;
  /** The same settings for a client of SNS. */
  sns(other?: OtherAccount): SQSClientConfig;
  /** Takes in a client of another service, which shares sockets with these. */
  keep(client: Destroyable): void;
  /** Destroys all of them. */
  destroy(): void;
}

function checkedUrl(option: string, url: string): string {
  if (/^https?:\/\/[^/]/.test(url)) return url;
  throw new InvalidOptionError(`transport option '${option}' must be an http or https URL, not '${url}'`);
}

/** The URL of another service, where it has one of its own. */
function otherEndpoint(option: 'snsEndpoint' | 'stsEndpoint', options: SqsOptions): { endpoint?: string } {
  const url = options[option];
  return url === undefined ? {} : { endpoint: checkedUrl(option, url) };
}

/** The URL of the service; undefined: Amazon's own for the region. */
export function endpointOf(target: BrokerTarget<SqsOptions & VirtualOptions>): string | undefined {
  const { hostname, port, options, tls } = target;
  if (options.endpoint !== undefined) {
    return checkedUrl('endpoint', options.endpoint);
  }
  if (hostname === undefined) return undefined;
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  const scheme = options.isSecure || tls !== undefined ? 'https' : 'http';
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}`;
}

function keys(who: string, id: string | undefined, secret: string | undefined): Keys | undefined {
  if (id === undefined && secret === undefined) return undefined;
  if (!id || !secret) throw new InvalidOptionError(`${who}: an access key needs its id and its secret`);
  return { accessKeyId: id, secretAccessKey: secret };
}

function accountKeys({ accessKeyId, secretAccessKey, sessionToken }: OtherAccount): Keys | undefined {
  const own = keys('predefinedQueues and predefinedExchanges', accessKeyId, secretAccessKey);
  return own && sessionToken !== undefined ? { ...own, sessionToken } : own;
}

/** Settings of all clients of a link. Nothing is connected here. */
export async function createClients(target: BrokerTarget<SqsOptions & VirtualOptions>): Promise<Clients> {
  const { options, tls, connectTimeoutMs } = target;
  const endpoint = endpointOf(target);
  // Each waiting receive keeps a socket for as long as it waits; how many calls are made is bounded elsewhere.
  const sockets = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };
  const httpAgent = new HttpAgent(sockets);
  const httpsAgent = new HttpsAgent({ ...tls, ...sockets });
  const base: SQSClientConfig = {
    ...(endpoint === undefined ? {} : { endpoint, useQueueUrlAsEndpoint: false }),
    retryStrategy,
    requestHandler: { httpAgent, httpsAgent, connectionTimeout: connectTimeoutMs, throwOnRequestTimeout: true },
    ...options.clientConfig,
  };
  const sts = otherEndpoint('stsEndpoint', options);
  const sns = otherEndpoint('snsEndpoint', options);
  const region = options.region ?? (await regionOf(base));
  const own = keys('sqs', target.userid, target.password);
  const role =
    options.stsRoleArn === undefined ? undefined : roleCredentials(options, { ...base, region, ...sts }, own);
  const credentials = role ?? own;
  const common: SQSClientConfig = { ...base, region, ...(credentials && { credentials }) };

  const config = (other: OtherAccount = {}): SQSClientConfig => {
    const theirs = accountKeys(other);
    return { ...common, ...(other.region && { region: other.region }), ...(theirs && { credentials: theirs }) };
  };
  const clients = new Map<string, SQSClient>();
  const others: Destroyable[] = [];
  return {
    sns: (other) => ({ ...config(other), ...sns }),
    of(other = {}) {
      const key = JSON.stringify([other.region, other.accessKeyId]);
      let client = clients.get(key);
      if (client === undefined) {
        client = new SQSClient(config(other));
        clients.set(key, client);
      }
      return client;
    },
    keep: (client) => void others.push(client),
    destroy() {
      for (const client of [...clients.values(), ...others]) client.destroy();
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

/** As the SDK finds it. */
async function regionOf(config: SQSClientConfig): Promise<string> {
  const probe = new SQSClient(config);
  try {
    return await probe.config.region();
  } catch {
    return DEFAULT_REGION;
  } finally {
    probe.destroy();
  }
}

import type { Redis } from 'ioredis';

/** What INFO tells of a server. */
export interface ServerInfo {
  readonly version: string | undefined;
  readonly cluster: boolean;
  readonly loading: boolean;
  /** A replica that takes no writes. */
  readonly readOnly: boolean;
  readonly evictionPolicy: string | undefined;
}

const UNKNOWN: ServerInfo = {
  version: undefined,
  cluster: false,
  loading: false,
  readOnly: false,
  evictionPolicy: undefined,
};

/** Asks a server what it is. One that does not let us ask counts as an ordinary one. */
export async function readServerInfo(client: Redis): Promise<ServerInfo> {
  let text: string;
  try {
    text = String(await client.call('info'));
  } catch (error) {
    if (/^(NOPERM|ERR unknown command)/.test((error as Error).message)) return UNKNOWN;
    throw error;
  }
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return {
    version: fields.get('valkey_version') ?? fields.get('redis_version'),
    cluster: fields.get('cluster_enabled') === '1',
    loading: fields.get('loading') === '1',
    readOnly: fields.get('role') === 'slave' && fields.get('slave_read_only') !== '0',
    evictionPolicy: fields.get('maxmemory_policy'),
  };
}

/** Whether a version, as a server tells it, is at least `major.minor`. An unknown one counts as new. */
export function isAtLeast(version: string | undefined, major: number, minor: number): boolean {
  const parts = /^(\d+)\.(\d+)/.exec(version ?? '');
  if (parts === null) return true;
  const found = Number(parts[1]);
  return found > major || (found === major && Number(parts[2]) >= minor);
}

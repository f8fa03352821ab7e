import { AuthenticationError, ChannelError, KombuError, OperationalError } from '@kombu/core';
import { CODES } from './client.js';

/** The number of ZooKeeper's error. */
export function codeOf(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'number' ? code : undefined;
}

/**
 * Makes a KombuError of an error of the client library: the only place that knows those.
 * https://zookeeper.apache.org/doc/r3.8.4/apidocs/zookeeper-server/org/apache/zookeeper/KeeperException.Code.html
 */
export function translateError(error: unknown, what: string): KombuError {
  if (KombuError.is(error)) return error;
  const text = `${what} failed: ${error instanceof Error ? error.message : String(error)}`;
  const options = { cause: error };
  switch (codeOf(error)) {
    case CODES.connectionLoss:
    case CODES.sessionExpired:
    case CODES.sessionMoved:
      return new OperationalError('CONNECTION_LOST', text, options);
    case CODES.noAuth:
      return new ChannelError('ACCESS_REFUSED', `${text} (the access control list of a znode)`, options);
    case CODES.authFailed:
    case CODES.invalidAcl:
      return new AuthenticationError(text, options);
    case CODES.quotaExceeded:
      return new OperationalError('BROKER_BUSY', `${text} (a quota of ZooKeeper is used up)`, options);
    case CODES.throttled:
      return new OperationalError('BROKER_BUSY', `${text} (ZooKeeper throttles)`, options);
    default:
      return new OperationalError('BROKER_BUSY', text, options);
  }
}

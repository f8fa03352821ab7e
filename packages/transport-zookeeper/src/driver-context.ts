import type { TransportContext } from '@kombu/core';
import type { ZookeeperLink } from './link.js';
import type { Paths } from './paths.js';
import type { Session } from './session.js';

/** What all parts of one driver share. */
export interface DriverContext {
  readonly link: ZookeeperLink;
  readonly paths: Paths;
  readonly session: Session;
  readonly transport: TransportContext;
  /** The largest request in bytes that the server takes. */
  readonly maxBufferBytes: number;
}

/** The most bytes of messages in one request, unless a single one has more: a request holds up all that are behind it. */
const REQUEST_BYTES = 512 * 1024;

/** The most bytes of messages in one request to this server. The rest is for paths and access control lists. */
export function requestBytes({ maxBufferBytes }: Pick<DriverContext, 'maxBufferBytes'>): number {
  return Math.min(REQUEST_BYTES, Math.ceil(maxBufferBytes / 2));
}
/** Room in a request for everything but the data of a message: paths, access control lists and numbers. */
export const OVERHEAD_BYTES = 8 * 1024;
/** How many messages one call may carry. */
export const MAX_BATCH = 128;

/** The default of the server's `jute.maxbuffer`. */
export const MAX_BUFFER_BYTES = 1_048_575;
/** What of a request is left for headers and properties, at least. */
const ENVELOPE_BYTES = 92 * 1024;

/** The largest body that one znode is sure to hold: base64 makes 4 bytes of 3. */
export function maxBodyBytes(maxBufferBytes: number): number {
  return Math.floor(((maxBufferBytes - Math.min(ENVELOPE_BYTES, maxBufferBytes / 4)) * 3) / 4);
}

import type { Socket } from 'node:net';
import zookeeper, { type Client, type Stat } from 'node-zookeeper-client';

export type { Client, Stat };

/** What ZooKeeper answers with where it cannot do what was asked, as far as it is told apart here. */
export const CODES = {
  connectionLoss: zookeeper.Exception.CONNECTION_LOSS,
  noNode: zookeeper.Exception.NO_NODE,
  noAuth: zookeeper.Exception.NO_AUTH,
  badVersion: zookeeper.Exception.BAD_VERSION,
  nodeExists: zookeeper.Exception.NODE_EXISTS,
  notEmpty: zookeeper.Exception.NOT_EMPTY,
  sessionExpired: zookeeper.Exception.SESSION_EXPIRED,
  authFailed: zookeeper.Exception.AUTH_FAILED,
  invalidAcl: zookeeper.Exception.INVALID_ACL,
  sessionMoved: -118,
  quotaExceeded: -125,
  throttled: -127,
} as const;

export const MODES = zookeeper.CreateMode;

/** Who may do what with the znodes that are made: everybody, or those who log in as their maker did. */
export const ACLS = {
  open: [new zookeeper.ACL(zookeeper.Permission.ALL, new zookeeper.Id('world', 'anyone'))],
  creator: [new zookeeper.ACL(zookeeper.Permission.ALL, new zookeeper.Id('auth', ''))],
};

/** A request as the library sends it. */
interface Request {
  readonly header: { readonly type: number; xid: number };
  readonly payload: undefined;
  toBuffer(): Buffer;
}

/** A request as the library keeps it until it is answered. */
interface Packet {
  readonly request: { readonly header: Request['header'] | null };
  readonly callback: (error: unknown) => void;
}

/** The part of the library that has the socket. It is public there, but has no types. */
export interface ConnectionManager {
  socket: Socket | undefined;
  connectTimeoutHandler: NodeJS.Timeout | null;
  connect(): void;
  queue(request: Request, callback: (error: unknown) => void): void;
  onSocketData(data: Buffer): void;
  readonly packetQueue: { shift(): Packet | undefined };
  readonly pendingQueue: Packet[];
}

/** The connection manager of a client. */
export function managerOf(client: Client): ConnectionManager {
  return (client as unknown as { readonly connectionManager: ConnectionManager }).connectionManager;
}

const SYNC = 9;

/**
 * Has the server that we talk to catch up with the leader of its ensemble. The library knows the request, but has no call for it and
 * drops the connection when it is answered.
 */
export function sync(client: Client, path: string, done: (error: unknown) => void): void {
  const header = { type: SYNC, xid: 0 };
  const toBuffer = (): Buffer => {
    const name = Buffer.from(path);
    const buffer = Buffer.alloc(16 + name.length);
    buffer.writeInt32BE(12 + name.length, 0);
    buffer.writeInt32BE(header.xid, 4);
    buffer.writeInt32BE(header.type, 8);
    buffer.writeInt32BE(name.length, 12);
    name.copy(buffer, 16);
    return buffer;
  };
  managerOf(client).queue({ header, payload: undefined, toBuffer }, done);
}

/** What a session of an earlier socket is taken up with. */
export interface Credentials {
  readonly sessionId: Buffer;
  readonly sessionPassword: Buffer;
}

/** A client of one server that has not connected yet. */
export function createClient(
  address: { readonly host: string; readonly port: number },
  sessionTimeoutMs: number,
  session: Credentials | undefined,
): Client {
  const options = { sessionTimeout: sessionTimeoutMs, retries: 0, spinDelay: 0, ...session };
  const client = zookeeper.createClient('127.0.0.1:2181', options);
  // The library reads addresses from a text in which IPv6 has no place.
  (managerOf(client) as unknown as { servers: unknown[] }).servers = [address];
  return client;
}

/** An error as the library makes them, also of numbers that it does not know. */
export function libraryError(code: number, cause?: unknown): Error {
  return Object.assign(new Error(`ZooKeeper error ${code}`, { cause }), { code, getCode: () => code });
}

const HEADER_BYTES = 4;
/** The first answer has 36 or 37 bytes: version, timeout, number and password of the session, and whether it is read-only. */
const LONGEST_FIRST_ANSWER = 256;

/** What somebody else has sent who is not ZooKeeper: its first line, as far as it can be shown. */
function notZookeeper(data: Buffer): Error {
  const [shown] = /^[ -~]{4,60}/.exec(data.toString('latin1')) ?? [];
  return new Error(
    `what listens there is not ZooKeeper: it has answered ${shown === undefined ? 'with other bytes' : `'${shown}'`}`,
  );
}

/**
 * Hands the library what came, one whole answer at a time. Left to itself it copies all that is still to be read for every answer,
 * calls itself for each of them, and throws out of the socket's event when it does not know an error's number.
 *
 * @param received called whenever something came
 * @param broken called when an answer cannot be read: the link is of no use then
 */
export function readByAnswers(
  manager: ConnectionManager,
  received: () => void,
  broken: (error: unknown) => void,
): void {
  const handle = manager.onSocketData;
  let rest: Buffer[] = [];
  let have = 0;
  let need = HEADER_BYTES;
  let answered: 'nothing' | 'something' = 'nothing';

  const answer = (frame: Buffer): void => {
    const [waiting] = manager.pendingQueue;
    const header = waiting?.request.header;
    if (header?.type === SYNC && header.xid === frame.readInt32BE(4)) {
      const code = frame.readInt32BE(16);
      manager.pendingQueue.shift()?.callback(code === 0 ? undefined : libraryError(code));
      return;
    }
    try {
      handle.call(manager, frame);
    } catch (error) {
      // The number of the answer, of the last change, and of the error.
      const code = frame.length >= 20 && frame.readInt32BE(4) >= 0 ? frame.readInt32BE(16) : 0;
      if (waiting === undefined || code === 0) throw error;
      waiting.callback(libraryError(code, error));
    }
  };

  manager.onSocketData = (chunk) => {
    received();
    rest.push(chunk);
    have += chunk.length;
    if (have < need) return;
    let data = rest.length === 1 ? chunk : Buffer.concat(rest, have);
    try {
      for (;;) {
        need = data.length < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + data.readInt32BE(0);
        if (
          answered === 'nothing' &&
          (need < HEADER_BYTES || need > LONGEST_FIRST_ANSWER) &&
          data.length >= HEADER_BYTES
        )
          throw notZookeeper(data);
        if (data.length < need) break;
        answered = 'something';
        answer(data.subarray(0, need));
        data = data.subarray(need);
      }
    } catch (error) {
      broken(error);
    }
    rest = data.length === 0 ? [] : [data];
    have = data.length;
  };
}

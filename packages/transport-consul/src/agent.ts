import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';

/** Calls beyond that wait for a socket. Consul allows 200 connections from one machine, all its processes together. */
const MAX_SOCKETS = 64;

/** Calls `closed` when the other side ends a socket; those that this side ends are none of its business. */
function listen(socket: Socket, closed: () => void): void {
  let by: 'us' | 'them' = 'us';
  const them = (): void => {
    by = 'them';
  };
  socket.once('end', them);
  socket.once('error', them);
  socket.once('close', () => (by === 'them' ? closed() : undefined));
}

/** The sockets of a link: kept open between calls. `closed` is called when the server ends one of them. */
export function createAgent(tls: TlsOptions | undefined, closed: () => void): HttpAgent {
  const kept = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const agent = tls === undefined ? new HttpAgent(kept) : new HttpsAgent({ ...kept, ...tls });
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (...args) => {
    const socket = create(...args);
    listen(socket as Socket, closed);
    return socket;
  };
  return agent;
}

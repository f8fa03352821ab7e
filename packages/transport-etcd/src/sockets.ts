import type { Socket } from 'node:net';

/** What makes a connected socket one that gRPC can use. */
export interface SecureConnector {
  waitForReady(): Promise<void>;
  connect(socket: Socket): Promise<unknown>;
  readonly connectionOptions?: { servername?: string };
}

/** The part of gRPC's credentials that every socket passes. */
export interface ChannelCredentials {
  _createSecureConnector?(...args: unknown[]): SecureConnector;
}

/**
 * Follows the sockets that are opened with these credentials, and returns what ends them all: from then on none is used, and none that
 * was is left. Closing a client is not enough, since gRPC (1.14) leaves three kinds behind: a connection that has failed is tried once more
 * when its back-off is over, and then stays; one to a server that accepts and says nothing waits for its settings; and one that was open
 * waits for the server to close it, too.
 */
export function followSockets(credentials: ChannelCredentials): () => void {
  const sockets = new Set<Socket>();
  let state: 'open' | 'ended' = 'open';
  const create = credentials._createSecureConnector;
  if (create === undefined) return () => {};
  const ended = (): Promise<never> => Promise.reject(new Error('UNAVAILABLE: the client was closed'));
  credentials._createSecureConnector = (...args) => {
    const connector = create.apply(credentials, args);
    const { waitForReady, connect } = connector;
    connector.waitForReady = () => (state === 'ended' ? ended() : waitForReady.call(connector));
    // Whoever asks destroys the socket that is refused.
    connector.connect = (socket) => {
      if (state === 'ended') return ended();
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return connect.call(connector, socket);
    };
    return connector;
  };
  return () => {
    state = 'ended';
    // What was written for the last time is on its way by then.
    setImmediate(() => {
      for (const socket of sockets) socket.destroy();
    });
  };
}

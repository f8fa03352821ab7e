import { subscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';

/** How much of the way to where a socket was opened is told. */
const FRAMES = 6;

/** Who has opened which socket, as lines of a stack. Node tells of those that `net.connect` opens. */
const openers = new WeakMap();

subscribe('net.client.socket', ({ socket }) => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 30;
  openers.set(socket, new Error('opened').stack);
  Error.stackTraceLimit = stackTraceLimit;
});

/** A line for every socket that keeps the event loop alive: its ports, and who has opened it where that is known. */
export function describeOpenSockets() {
  return process
    ._getActiveHandles()
    .filter((handle) => handle instanceof Socket && (handle.remotePort !== undefined || handle.connecting))
    .map((socket) => {
      const { localPort, remotePort = 'nowhere yet' } = socket;
      if (socket.server) return `accepted at port ${localPort}, from port ${remotePort}`;
      const opener = openers.get(socket);
      if (opener === undefined) return `from port ${localPort} to port ${remotePort}`;
      const ours = opener.split('\n').filter((line) => /^\s+at /.test(line) && !/node:|open-sockets\.js/.test(line));
      return [`from port ${localPort} to port ${remotePort}, opened`, ...ours.slice(0, FRAMES)].join('\n');
    });
}

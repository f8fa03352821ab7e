import { subscribe } from 'node:diagnostics_channel';

/** How much of the way to where a socket was opened is told. */
const FRAMES = 6;

/** Who has opened which socket, as lines of a stack. */
const openers = new WeakMap();

subscribe('net.client.socket', ({ socket }) => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 30;
  openers.set(socket, new Error('opened').stack);
  Error.stackTraceLimit = stackTraceLimit;
});

/** A line for every socket that keeps the event loop alive: its ports, and who has opened it. */
export function describeOpenSockets() {
  return process
    ._getActiveHandles()
    .filter((handle) => handle.constructor.name === 'Socket' && handle.remotePort !== undefined)
    .map((socket) => {
      const { localPort, remotePort } = socket;
      if (socket.server) return `accepted at port ${localPort}, from port ${remotePort}`;
      const frames = (openers.get(socket) ?? '').split('\n').slice(1);
      const ours = frames.filter((line) => !/node:|open-sockets\.js/.test(line)).slice(0, FRAMES);
      return [`from port ${localPort} to port ${remotePort}, opened`, ...ours].join('\n');
    });
}

import connection from 'mongodb/lib/cmap/connection.js';

/** What the driver asks by itself, to see whether the server is there. */
const OWN = new Set(['hello', 'ismaster', 'isMaster', 'endSessions', 'saslStart', 'saslContinue']);

/** Counts every command of this process, whoever sends it; returns the function that tells how many. */
export function countCalls() {
  let calls = 0;
  const { prototype } = connection.Connection;
  const { command } = prototype;
  prototype.command = function (ns, what, ...rest) {
    if (!OWN.has(Object.keys(what)[0])) calls++;
    return command.call(this, ns, what, ...rest);
  };
  return () => calls;
}

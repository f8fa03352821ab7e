import { connect } from 'node:net';

/**
 * Resolves when somebody listens there, rejects with the error of the system, or when `signal` is aborted, or after `timeoutMs`. gRPC
 * says less of what is wrong: so it is not started where nobody listens.
 */
export function probe(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`DEADLINE_EXCEEDED: no answer in ${timeoutMs} ms`)));
    socket.once('connect', () => {
      resolve();
      socket.destroy();
    });
    // Whatever comes after the answer is no news.
    socket.on('error', reject);
  });
}

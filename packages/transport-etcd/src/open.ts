import { abortError, type BrokerTarget, type TransportContext, uuid } from '@kombu/core';
import type { VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { createClient } from './client.js';
import { createDriver } from './driver.js';
import { createKeys } from './keys.js';
import { EtcdLink } from './link.js';
import type { EtcdOptions } from './options.js';
import { probe } from './probe.js';
import { keepAlive, startSession } from './session.js';
import type { Sessions } from './sessions.js';
import { translateError } from './translate-error.js';

/** In how much time a dead link is found out, where nothing else is asked for. */
const HEARTBEAT_MS = 20_000;
const LEASE_MS = 60_000;

/** Opens a link to one server: logs in, starts a session, and makes the driver. */
export async function open(
  target: BrokerTarget<EtcdOptions & VirtualOptions>,
  transport: TransportContext,
  sessions: Sessions,
): Promise<VirtualDriver> {
  const { signal, clock, connectionId } = transport;
  const { options, userid: name, password = '', connectTimeoutMs, hostname = '127.0.0.1', port = 2379 } = target;
  const what = `connecting to etcd at ${hostname}:${port}`;
  await probe(hostname, port, connectTimeoutMs, signal).catch((error: unknown) => {
    throw signal.aborted ? abortError(signal, what) : translateError(error, what).error;
  });
  const client = createClient(target, uuid());
  const link = new EtcdLink(client, transport.logger);
  const abort = (): void => link.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (name !== undefined) {
      const login = await link.call(what, (o) => client.auth.authenticate({ name, password }, o));
      link.token = login.token;
    }
    const status = link.call(what, (o) => client.maintenance.status(o)).catch(() => undefined);
    const keys = createKeys(options.prefix ?? 'kombu/', target.virtualHost);
    const session = await startSession(link, keys, options.leaseMs ?? LEASE_MS, connectTimeoutMs, what);
    const heartbeatMs = target.heartbeatMs || HEARTBEAT_MS;
    await keepAlive(link, session, clock, Math.min(session.ttlMs / 3, heartbeatMs / 2));
    const before = sessions.take(connectionId, clock.monotonic());
    // It may have ended by itself.
    if (before !== undefined)
      await link.call(what, (o) => client.leaseClient.leaseRevoke({ ID: before }, o)).catch(() => {});
    void link.closed.then((error) => {
      if (error !== undefined) sessions.leave(connectionId, session.lease, clock.monotonic() + session.ttlMs);
    });
    return await createDriver({ link, keys, session, transport }, (await status)?.version, before !== undefined);
  } catch (error) {
    link.destroy();
    throw signal.aborted ? abortError(signal, what) : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

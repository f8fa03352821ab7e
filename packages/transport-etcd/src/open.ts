import { abortError, type BrokerTarget, type TransportContext, uuid } from '@kombu/core';
import type { VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { createClient } from './client.js';
import { createDriver } from './driver.js';
import { createKeys } from './keys.js';
import { EtcdLink } from './link.js';
import type { EtcdOptions } from './options.js';
import { probe } from './probe.js';
import { keepAlive, startSession } from './session.js';
import type { LeftSession, Sessions } from './sessions.js';
import { translateError } from './translate-error.js';

/** In how much time a dead link is found out, where nothing else is asked for. */
const HEARTBEAT_MS = 20_000;
const LEASE_MS = 60_000;

/** Ends the session of an earlier link. It may have ended by itself; where it cannot be ended, it does that in time. */
async function revoke(link: EtcdLink, lease: string, what: string): Promise<void> {
  const { leaseClient } = link.client;
  const ended = (error: Error): void => {
    if (!/lease not found/.test(error.message)) throw error;
  };
  await link
    .call(what, (o) => leaseClient.leaseRevoke({ ID: lease }, o).then(() => {}, ended))
    .catch((error: unknown) => {
      if (!link.isOpen) throw error;
    });
}

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
  const keys = createKeys(options.prefix ?? 'kombu/', target.virtualHost);
  const client = createClient(target, uuid());
  const link = new EtcdLink(client, transport.logger);
  let before: LeftSession | undefined;
  const abort = (): void => link.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (name !== undefined) await link.logIn(what, name, password);
    const status = link.call(what, (o) => client.maintenance.status(o)).catch(() => undefined);
    const session = await startSession(link, keys, options.leaseMs ?? LEASE_MS, connectTimeoutMs, what);
    const heartbeatMs = target.heartbeatMs || HEARTBEAT_MS;
    await keepAlive(link, session, clock, Math.min(session.ttlMs / 3, heartbeatMs / 2));
    before = sessions.take(connectionId, clock.monotonic());
    if (before !== undefined) await revoke(link, before.lease, what);
    const parts = { link, keys, session, transport };
    const driver = await createDriver(parts, (await status)?.version, before !== undefined);
    link.opened();
    void link.closed.then((error) => {
      const left = { lease: session.lease, until: clock.monotonic() + session.ttlMs };
      if (error !== undefined) sessions.leave(connectionId, left);
    });
    return driver;
  } catch (error) {
    link.destroy();
    // The next try ends it.
    if (before !== undefined) sessions.leave(connectionId, before);
    throw signal.aborted ? abortError(signal, what) : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

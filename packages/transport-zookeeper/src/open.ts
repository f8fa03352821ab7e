import { AuthenticationError, abortError, type BrokerTarget, KombuError, type TransportContext } from '@kombu/core';
import type { VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { connect } from './connect.js';
import { createDriver } from './driver.js';
import { type DriverContext, MAX_BUFFER_BYTES } from './driver-context.js';
import { startHeartbeat } from './heartbeat.js';
import { makeBase } from './make-base.js';
import type { ZookeeperOptions } from './options.js';
import { createPaths } from './paths.js';
import { giveBackUnanswered } from './recover.js';
import type { Sessions } from './session.js';

/** Opens a link: connects, in the session of the link before where that still lives, and makes the driver. */
export async function open(
  target: BrokerTarget<ZookeeperOptions & VirtualOptions>,
  transport: TransportContext,
  sessions: Sessions,
): Promise<VirtualDriver> {
  const { connectionId, clock, signal } = transport;
  const virtualHost = target.virtualHost ?? target.all.find((one) => one.virtualHost !== undefined)?.virtualHost;
  const paths = createPaths(virtualHost, target.options.chroot);
  const left = sessions.take(connectionId);
  const { link, session } = await connect(target, transport, left).catch((error: unknown) => {
    if (left !== undefined) sessions.keep(connectionId, left, clock);
    throw error;
  });
  // Whatever goes wrong from now on, the session is there for the next link.
  link.closed.then((why) => why !== undefined && sessions.keep(connectionId, session, clock));
  const abort = (): void => link.fail(abortError(signal, 'connecting to ZooKeeper') as KombuError);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const context: DriverContext = {
      link,
      paths,
      session,
      transport,
      maxBufferBytes: target.options.maxBufferBytes ?? MAX_BUFFER_BYTES,
    };
    await makeBase(context);
    // Digests are not checked when they are sent: what the znodes allow shows who one is.
    await link.get(paths.root);
    await giveBackUnanswered(context);
    // Later than that the session would have ended before anybody knows.
    const longestMs = (session.timeoutMs * 2) / 3;
    startHeartbeat(link, paths.own, Math.min(target.heartbeatMs ?? longestMs, longestMs), clock);
    return createDriver(context, transport);
  } catch (error) {
    if (KombuError.is(error)) link.fail(error);
    else link.destroy();
    if (!KombuError.is(error, 'ERR_KOMBU_ACCESS_REFUSED')) throw error;
    throw new AuthenticationError(`no access to ${paths.root} at ZooKeeper: ${error.message}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

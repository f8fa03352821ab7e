import {
  AuthenticationError,
  abortError,
  type BrokerTarget,
  NotSupportedError,
  OperationalError,
  type TransportContext,
  throwIfAborted,
} from '@kombu/core';
import { type ACLS, createClient, managerOf, readByAnswers } from './client.js';
import { hangUp, ZookeeperLink } from './link.js';
import type { ZookeeperOptions } from './options.js';
import type { Session } from './session.js';

/** One server of an ensemble. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A link and the session that it is in. */
export interface Connected {
  readonly link: ZookeeperLink;
  readonly session: Session;
}

const DEFAULT_PORT = 2181;
const LONGEST_CONNECT_MS = 5000;
const CLOSED =
  'the connection was closed without an answer: the server is not part of a quorum, or it is not ZooKeeper that listens there';

/** The servers of a URL list, from a random one on: clients spread over an ensemble by themselves. */
function addressesOf(target: BrokerTarget<ZookeeperOptions>): Address[] {
  const all = target.all.map(({ hostname, port }) => ({ host: hostname ?? '127.0.0.1', port: port ?? DEFAULT_PORT }));
  const first = Math.floor(Math.random() * all.length);
  return [...all.slice(first), ...all.slice(0, first)];
}

/**
 * Connects to one server; resolves with `expired` where the session that is to be taken up has ended.
 *
 * @param timeoutMs how long this server has
 */
function dial(
  address: Address,
  target: BrokerTarget<ZookeeperOptions>,
  context: TransportContext,
  left: Session | undefined,
  timeoutMs: number,
): Promise<ZookeeperLink | 'expired'> {
  const { clock, logger, signal } = context;
  const what = `connecting to ZooKeeper at ${address.host}:${address.port}`;
  const acl: keyof typeof ACLS = target.options.acl ?? (target.userid === undefined ? 'open' : 'creator');
  const client = createClient(address, target.options.leaseMs ?? 30_000, left);
  const manager = managerOf(client);
  return new Promise((resolve, reject) => {
    let link: ZookeeperLink | undefined;
    let state: 'dialling' | 'over' = 'dialling';
    const settle = (end: () => void): void => {
      if (state === 'over') return;
      state = 'over';
      cancel();
      signal.removeEventListener('abort', abort);
      end();
    };
    const refuse = (error: Error): void =>
      settle(() => {
        hangUp(client);
        reject(error);
      });
    const failed = (why: string, cause: unknown): OperationalError =>
      new OperationalError('CONNECT_REFUSED', `${what} failed: ${why}`, { cause });
    const abort = (): void => refuse(abortError(signal, what));
    const cancel = clock.after(timeoutMs, () => {
      const silent = manager.socket?.connecting === false ? ': there was no answer, it may not be ZooKeeper' : '';
      refuse(new OperationalError('CONNECT_TIMEOUT', `${what} took longer than ${timeoutMs} ms${silent}`));
    });
    signal.addEventListener('abort', abort, { once: true });
    readByAnswers(
      manager,
      () => {
        if (link !== undefined) link.heardAt = clock.monotonic();
      },
      (cause) => {
        if (link === undefined) refuse(failed((cause as Error).message, cause));
        else link.fail(new OperationalError('CONNECTION_LOST', 'ZooKeeper has sent what cannot be read', { cause }));
      },
    );
    client.once('connected', () =>
      settle(() => {
        link = new ZookeeperLink(client, acl, logger, clock.monotonic());
        resolve(link);
      }),
    );
    client.once('expired', () =>
      settle(() => {
        hangUp(client);
        resolve('expired');
      }),
    );
    client.once('authenticationFailed', () => refuse(new AuthenticationError(`${what} failed: not authenticated`)));
    if (target.userid !== undefined) {
      client.addAuthInfo('digest', Buffer.from(`${target.userid}:${target.password ?? ''}`));
    }
    client.connect();
    // The library tries for ever; here it has one try. It opens its socket in the next tick.
    manager.connect = () => {};
    process.nextTick(() => {
      // It was called off before there was a socket.
      if (state === 'over') hangUp(client);
      let cause: Error | undefined;
      manager.socket?.once('error', (error) => {
        cause = error;
      });
      manager.socket?.once('close', () => {
        refuse(failed(cause?.message ?? CLOSED, cause));
      });
    });
  });
}

/**
 * Connects to the first server that can be had. The session of the link before is taken up, so that what it holds stays its own;
 * where it has ended, a new one is begun.
 */
export async function connect(
  target: BrokerTarget<ZookeeperOptions>,
  context: TransportContext,
  left: Session | undefined,
): Promise<Connected> {
  if (target.tls !== undefined) {
    throw new NotSupportedError(
      'zookeeper: node-zookeeper-client has no TLS; use a TLS tunnel, or a network that is safe',
    );
  }
  throwIfAborted(context.signal, 'connecting to ZooKeeper');
  const addresses = addressesOf(target);
  // A little less than the Connection waits, which cannot say what was wrong.
  const share = Math.floor((target.connectTimeoutMs * 0.9) / addresses.length);
  const timeoutMs = Math.min(LONGEST_CONNECT_MS, share);
  let failure: unknown;
  for (const address of addresses) {
    try {
      let link = await dial(address, target, context, left, timeoutMs);
      if (link !== 'expired') return { link, session: left === undefined ? newSession(link) : takenUp(left, link) };
      link = await dial(address, target, context, undefined, timeoutMs);
      if (link !== 'expired') return { link, session: newSession(link) };
    } catch (error) {
      if (context.signal.aborted || error instanceof AuthenticationError) throw error;
      failure = error;
    }
  }
  throw failure;
}

function newSession({ client }: ZookeeperLink): Session {
  const sessionId = client.getSessionId();
  return {
    sessionId,
    sessionPassword: client.getSessionPassword(),
    name: sessionId.toString('hex'),
    timeoutMs: client.getSessionTimeout(),
    held: new Set(),
    marked: new Set(),
  };
}

function takenUp(left: Session, { client }: ZookeeperLink): Session {
  return { ...left, sessionPassword: client.getSessionPassword(), timeoutMs: client.getSessionTimeout() };
}

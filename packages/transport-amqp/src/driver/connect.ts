import { hostname } from 'node:os';
import {
  abortError,
  type BrokerTarget,
  InvalidOptionError,
  OperationalError,
  onAbort,
  type TransportContext,
} from '@kombu/core';
import amqplib, { type ChannelModel, type SocketOptions } from 'amqplib';
import { type AmqpOptions, type ResolvedAmqpOptions, resolveOptions } from '../options.js';
import { connectError, isHostRefused } from '../translate-error.js';
import { type Refusal, refusal } from './refusal.js';
import { packageVersion } from './version.js';

const DEFAULT_HEARTBEAT_MS = 60_000;

/** How to log in. */
function credentials(target: BrokerTarget<AmqpOptions>) {
  const userid = target.userid ?? 'guest';
  const password = target.password ?? (target.userid === undefined ? 'guest' : '');
  switch ((target.loginMethod ?? 'PLAIN').toUpperCase()) {
    case 'PLAIN':
      return amqplib.credentials.plain(userid, password);
    case 'AMQPLAIN':
      return amqplib.credentials.amqplain(userid, password);
    case 'EXTERNAL':
      return amqplib.credentials.external();
    default:
      throw new InvalidOptionError(`loginMethod: ${target.loginMethod} is not one of PLAIN, AMQPLAIN, EXTERNAL`);
  }
}

/** What the broker is told about us; shown by its management views. */
function clientProperties(options: ResolvedAmqpOptions, context: TransportContext): Record<string, unknown> {
  const { capabilities, ...others } = options.clientProperties;
  return {
    product: '@kombu/transport-amqp',
    version: packageVersion(),
    platform: `Node.js ${process.version}`,
    information: 'Kombu for TypeScript',
    connection_name: options.connectionName ?? `${hostname()}:${process.pid} ${context.connectionId}`,
    ...others,
    capabilities: {
      publisher_confirms: true,
      exchange_exchange_bindings: true,
      'basic.nack': true,
      consumer_cancel_notify: true,
      'connection.blocked': true,
      authentication_failure_close: true,
      ...(capabilities as object | undefined),
    },
  };
}

/** The negotiated unit of heartbeats is a whole second, so what is asked for is rounded up. */
function heartbeatSeconds(target: BrokerTarget<AmqpOptions>): number {
  return Math.ceil((target.heartbeatMs ?? DEFAULT_HEARTBEAT_MS) / 1000);
}

/** Host and port, for messages. */
export function address(target: BrokerTarget<AmqpOptions>): string {
  const host = target.hostname ?? 'localhost';
  return `${host.includes(':') ? `[${host}]` : host}:${port(target)}`;
}

function port(target: BrokerTarget<AmqpOptions>): number {
  return target.port ?? (target.tls === undefined ? 5672 : 5671);
}

/**
 * Opens a connection with amqplib, within the target's `connectTimeoutMs` and until `context.signal` is aborted; the socket is
 * destroyed then, whatever it was doing.
 *
 * @throws OperationalError CONNECT_REFUSED or CONNECT_TIMEOUT, AuthenticationError, InvalidOptionError, AbortedError.
 */
export async function connect(target: BrokerTarget<AmqpOptions>, context: TransportContext): Promise<ChannelModel> {
  const options = resolveOptions(target.options);
  const { keepAlive = true, noDelay = true, keepAliveInitialDelayMs, ...socket } = options.socketSettings;
  const virtualHost = target.virtualHost ?? '/';
  const end = new AbortController();
  const giveUp = (): void => end.abort(abortError(context.signal, 'connecting'));
  const tooLate = (): void => {
    const message = `${address(target)} did not answer within ${target.connectTimeoutMs} ms`;
    end.abort(new OperationalError('CONNECT_TIMEOUT', message));
  };
  if (context.signal.aborted) giveUp();
  const unlisten = onAbort(context.signal, giveUp);
  const stopTimer = target.connectTimeoutMs > 0 ? context.clock.after(target.connectTimeoutMs, tooLate) : undefined;
  const login = credentials(target);
  const tcp = { ...socket, host: target.hostname ?? 'localhost', port: port(target), signal: end.signal };
  try {
    return await amqplib.connect(
      {
        protocol: target.tls === undefined ? 'amqp' : 'amqps',
        hostname: tcp.host,
        port: tcp.port,
        vhost: encodeURIComponent(virtualHost),
        heartbeat: heartbeatSeconds(target),
        channelMax: options.channelMax,
        frameMax: options.frameMax,
        locale: options.locale,
      },
      {
        ...target.tls,
        ...socket,
        noDelay,
        keepAlive,
        ...(keepAliveInitialDelayMs === undefined ? {} : { keepAliveDelay: keepAliveInitialDelayMs }),
        credentials: login,
        clientProperties: clientProperties(options, context),
        signal: end.signal,
      } as SocketOptions,
    );
  } catch (error) {
    if (end.signal.aborted) throw end.signal.reason;
    let reason: Refusal | undefined;
    if (isHostRefused(error)) {
      const { mechanism } = login;
      const { locale } = options;
      reason = await refusal({ tcp, tls: target.tls, mechanism, response: login.response(), locale, virtualHost });
    }
    throw connectError(error, address(target), virtualHost, reason);
  } finally {
    stopTimer?.();
    unlisten();
  }
}

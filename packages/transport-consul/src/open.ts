import type { Agent } from 'node:http';
import { abortError, type BrokerTarget, OperationalError, onAbort, type TransportContext } from '@kombu/core';
import type { VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import Consul from 'consul';
import { createAgent } from './agent.js';
import { createDriver } from './driver.js';
import type { KeptSessions } from './kept-sessions.js';
import { createLayout } from './layout.js';
import { type CallOptions, ConsulLink, callContext, contentOf } from './link.js';
import type { ConsulOptions } from './options.js';
import { answerOf, isUnknownToken, translateOpenError } from './translate-error.js';

/** How long a server that was started again may take to know a token that it has known before, in milliseconds. */
const TOKEN_MS = 30_000;

type Target = BrokerTarget<ConsulOptions & VirtualOptions>;

function createClient(
  { hostname, port, password, tls, options }: Target,
  socketClosed: () => void,
): {
  readonly client: Consul;
  readonly agent: Agent;
} {
  const agent = createAgent(tls, socketClosed);
  const token = options.token ?? password;
  const defaults = {
    ...(token === undefined ? {} : { token }),
    ...(options.datacenter === undefined ? {} : { dc: options.datacenter }),
  };
  const where = { host: hostname ?? '127.0.0.1', port: port ?? 8500, secure: tls !== undefined };
  return { client: new Consul({ ...where, defaults, agent }), agent };
}

/** The session that the link before this one had, as long as it lives; else a new one. */
async function sessionFor(
  { session }: Consul,
  kept: string | undefined,
  ttlMs: number,
  o: CallOptions,
): Promise<string> {
  if (kept !== undefined) {
    try {
      contentOf(await session.renew({ id: kept, ...o } as never));
      return kept;
    } catch (error) {
      if (answerOf(error)?.status !== 404) throw error;
    }
  }
  // No health checks: it is this process that has to live, not the agent. No delay: what it held is free at once.
  const made = { name: 'kombu', ttl: `${ttlMs}ms`, lockdelay: '0s', behavior: 'release', checks: [] };
  const [, content] = contentOf(await session.create({ ...made, ...o } as never));
  return (content as { readonly ID: string }).ID;
}

/** The server's version, where the token may know it. */
async function versionOf({ agent }: Consul, o: CallOptions): Promise<string | undefined> {
  try {
    const [, content] = contentOf(await agent.self(o as never));
    return (content as { readonly Config?: { readonly Version?: string } }).Config?.Version;
  } catch (error) {
    if (answerOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Opens a link: a session, which is the one of the link before this one where that lives. */
export async function open(target: Target, context: TransportContext, sessions: KeptSessions): Promise<VirtualDriver> {
  const { options, heartbeatMs } = target;
  const layout = createLayout(options.prefix ?? 'kombu', target.virtualHost);
  const ttlMs = Math.ceil(options.sessionTtlMs ?? (options.leaseMs ?? 60_000) / 2);
  const timeoutMs = options.timeoutMs ?? 10_000;
  const kept = sessions.take(context.connectionId);
  let link: ConsulLink | undefined;
  const { client, agent } = createClient(target, () => link?.socketClosed());
  const what = `connecting to Consul at ${target.hostname ?? '127.0.0.1'}:${target.port ?? 8500}`;
  const ctx = callContext();
  const calls = { ctx, timeout: Math.min(timeoutMs, target.connectTimeoutMs) };
  const unlisten = onAbort(context.signal, () => ctx.emit('cancel'));
  try {
    const session = await sessionFor(client, kept?.session, ttlMs, calls);
    link = new ConsulLink({ client, agent, session, timeoutMs, clock: context.clock, logger: context.logger });
    const version = await versionOf(client, calls);
    const unanswered = session === kept?.session ? kept.unanswered : [];
    const driver = await createDriver({ link, layout, version, unanswered, sessions }, context);
    const beatMs = ttlMs / 3;
    if (heartbeatMs) link.start(Math.min(beatMs, heartbeatMs / 3), Math.min(timeoutMs, (heartbeatMs * 2) / 3));
    else link.start(beatMs, timeoutMs);
    return driver;
  } catch (error) {
    agent.destroy();
    const now = context.clock.monotonic();
    const since = isUnknownToken(error) ? (kept?.tokenUnknownSince ?? now) : undefined;
    if (kept !== undefined) sessions.keep(context.connectionId, { ...kept, tokenUnknownSince: since });
    if (context.signal.aborted) throw abortError(context.signal, what);
    const translated = translateOpenError(error, what);
    // The link before had this token: it is the server that does not know it yet.
    if (kept !== undefined && since !== undefined && now - since < TOKEN_MS)
      throw new OperationalError('CONNECT_REFUSED', translated.message, { cause: translated.cause });
    throw translated;
  } finally {
    unlisten();
  }
}

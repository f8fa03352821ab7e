import { KombuError } from '../errors/index.js';
import type { ChannelEvents, Channel as TransportChannel } from '../transport/channel.js';
import type { Clock } from '../util/clock.js';
import { sleep } from './deadlines.js';
import { jitterCeiling } from './retry.js';
import { RevivalReport, replayTopology } from './revival.js';
import type { Session } from './session.js';
import type { TopologyRecorder } from './topology.js';

/** How long a broker may take to notice that an old link is dead: well above twice the usual heartbeat. */
const PATIENCE_MS = 300_000;
const WAITS = { intervalStartMs: 1000, intervalStepMs: 1000, intervalMaxMs: 15_000 };

/** The events of a channel that only declares. */
export const NO_EVENTS: ChannelEvents = { returned() {}, cancelledByBroker() {}, settleFailed() {}, warning() {} };

/** Whether the broker refused because somebody has it for his own: it may be our own old link that it still believes in. */
export function isLocked(error: unknown): boolean {
  return KombuError.is(error, 'ERR_KOMBU_RESOURCE_LOCKED');
}

/** What a second chance needs of a connection. */
export interface SecondChanceHost {
  readonly clock: Clock;
  readonly topology: TopologyRecorder;
  /** Whether any consumer is locked out. */
  anyLocked(): boolean;
  /** Starts the consumers that were locked out. */
  restartLocked(report: RevivalReport, signal: AbortSignal): Promise<void>;
  /** Ends those that still are. */
  endLocked(error: KombuError): void;
}

/**
 * Tries again, for some minutes, what was locked when a link was replaced: a broker that has not noticed yet that the old link
 * is dead keeps its exclusive queues and consumers for it. Resolves with what came back, and with undefined when the link is
 * lost meanwhile.
 */
export async function secondChance(host: SecondChanceHost, session: Session): Promise<RevivalReport | undefined> {
  const { clock } = host;
  const { signal } = session;
  const end = clock.monotonic() + PATIENCE_MS;
  try {
    for (let n = 0; ; n++) {
      await sleep(jitterCeiling(n, WAITS), clock, 'restoring', { signal, unref: true });
      const report = new RevivalReport(clock);
      const channel = await report.step('channel', 'of the declarations', signal, (s) =>
        session.openChannel(NO_EVENTS, s),
      );
      if (channel !== undefined) await declareAll(host, channel, report, signal);
      await host.restartLocked(report, signal);
      const locked = report.failed.findLast(({ error }) => isLocked(error));
      if (locked === undefined && !host.anyLocked()) return report;
      if (clock.monotonic() >= end) {
        host.endLocked((locked ?? report.failed.at(-1))?.error as KombuError);
        return report;
      }
    }
  } catch (error) {
    if (signal.aborted) return undefined; // The next link brings everything back.
    throw error;
  }
}

async function declareAll(
  host: SecondChanceHost,
  channel: TransportChannel,
  report: RevivalReport,
  signal: AbortSignal,
): Promise<void> {
  await replayTopology(host.topology, channel, report, signal);
  await channel.close();
}

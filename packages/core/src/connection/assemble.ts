import { type CodecSet, createCodecSet } from '../codec/codec-set.js';
import { defaultCompressions, defaultSerializers, defaultTransports } from '../defaults.js';
import { traceSettings, tracingLogger } from '../diagnostics/trace.js';
import { type Clock, systemClock } from '../util/clock.js';
import { uuid } from '../util/id.js';
import { consoleLogger, type Logger, silentLogger } from '../util/logger.js';
import { Brokers } from './brokers.js';
import type { ConnectionEvents } from './connection-events.js';
import { ConnectionCore } from './core.js';
import { Emitter } from './events.js';
import { type ConnectionOptions, checkConnectionOptions } from './options.js';
import { RECONNECT_INTERVALS, resolveRetryPolicy } from './retry.js';

/** How many publishes of one channel may wait for the link, unless the transport option `maxInFlight` says otherwise. */
const MAX_WAITING = 10_000;

/** The parts of a connection. */
export interface Assembled {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly codec: CodecSet;
  readonly brokers: Brokers;
  readonly core: ConnectionCore;
}

/** Checks the arguments of a connection and makes its parts of them; no I/O. */
export function assembleConnection(url: string | readonly string[] | undefined, options: ConnectionOptions): Assembled {
  checkConnectionOptions(options);
  const brokers = new Brokers(url, options, options.registry ?? defaultTransports);
  const { settings } = brokers.current;
  const trace = traceSettings();
  const logger = tracingLogger(options.logger ?? silentLogger, trace);
  const clock = options.clock ?? systemClock;
  const codec = createCodecSet({
    serializers: options.serializers ?? defaultSerializers,
    compressions: options.compressions ?? defaultCompressions,
    maxDecompressedBytes: settings.maxDecompressedBytes ?? options.maxDecompressedBytes,
  });
  const emitter = new Emitter<ConnectionEvents>(() => logger);
  const reconnect = settings.reconnect ?? options.reconnect ?? true;
  const policy = typeof reconnect === 'object' ? reconnect : {};
  const { maxInFlight } = (options.transportOptions ?? {}) as { maxInFlight?: unknown };
  const core = new ConnectionCore({
    connectionId: uuid(),
    brokers,
    emitter,
    clock,
    logger,
    trace: trace.channel ? consoleLogger('debug') : undefined,
    policy: reconnect === false ? undefined : resolveRetryPolicy(policy, RECONNECT_INTERVALS, 'reconnect'),
    maxWaiting: typeof maxInFlight === 'number' && maxInFlight > 0 ? maxInFlight : MAX_WAITING,
  });
  return { logger, clock, codec, brokers, core };
}

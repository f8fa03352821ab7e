export type { ChannelState } from './connection/channel.js';
export { Channel } from './connection/channel.js';
export { Connection } from './connection/connection.js';
export type { ConnectionEvents } from './connection/connection-events.js';
export type { CallOptions } from './connection/deadlines.js';
export type { EnsureContext } from './connection/ensure.js';
export type { FailoverStrategy } from './connection/failover.js';
export type { ConnectionInfo } from './connection/info.js';
export type { ConnectionState } from './connection/lifecycle.js';
export type { ConnectionOptions, LoginMethod } from './connection/options.js';
export type { TransportRegistry } from './connection/registry.js';
export { createTransportRegistry } from './connection/registry.js';
export type { RetryPolicy } from './connection/retry.js';
export { retryOverTime } from './connection/retry.js';
export type { Revival, RevivalFailure } from './connection/revival.js';
export type { Subscriber } from './connection/subscriptions.js';
export type { ParsedUrl, UrlParts } from './connection/url.js';
export { formatUrl, parseUrl, sanitizeUrl } from './connection/url.js';
export type { ChannelPublishOptions } from './connection/waiting-publishes.js';
export { registerTransport } from './defaults.js';
export type {
  ConnectEvent,
  DecodeErrorEvent,
  DeliverEvent,
  DisconnectEvent,
  PublishEvent,
  ReviveEvent,
  SettleEvent,
} from './diagnostics/index.js';
export { diagnosticsChannels } from './diagnostics/index.js';
export * from './errors/index.js';
export type { MemoryTransport } from './memory/memory.js';
export { createMemoryTransport, memory } from './memory/memory.js';
export type * from './transport/index.js';
export { abortError, throwIfAborted, waitOrAbort } from './util/abort.js';
export type { Clock } from './util/clock.js';
export { systemClock } from './util/clock.js';
export type { Deferred } from './util/deferred.js';
export { deferred } from './util/deferred.js';
export { uuid } from './util/id.js';
export type { Logger } from './util/logger.js';
export { consoleLogger, silentLogger } from './util/logger.js';

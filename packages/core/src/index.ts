export type { Compression } from './codec/compression.js';
export type { CompressedBody } from './codec/compression-registry.js';
export { CompressionRegistry, createCompressionRegistry } from './codec/compression-registry.js';
export type { DecompressOptions } from './codec/functions.js';
export {
  compress,
  decompress,
  disable,
  disableInsecureSerializers,
  dumps,
  enable,
  enableInsecureSerializers,
  encoders,
  loads,
  register,
  registerCompression,
  unregister,
} from './codec/functions.js';
export type { JsonOptions } from './codec/json/json.js';
export { jsonSerializer } from './codec/json/json.js';
export type { JsonType } from './codec/json/types.js';
export type { PickleOptions, PickleProtocol } from './codec/pickle/pickle.js';
export { pickleSerializer } from './codec/pickle/pickle.js';
export type { SerializedBody, Serializer } from './codec/serializer.js';
export type { LoadsOptions } from './codec/serializer-registry.js';
export { createSerializerRegistry, SerializerRegistry } from './codec/serializer-registry.js';
export type { YamlOptions } from './codec/yaml/yaml.js';
export { yamlSerializer } from './codec/yaml/yaml.js';
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
export { defaultCompressions, defaultSerializers as registry, registerTransport } from './defaults.js';
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
export type { BindingJson, BindingOptions } from './entity/binding.js';
export { Binding } from './entity/binding.js';
export type { BindExchangeOptions, DeclareExchangeOptions, ExchangePublishOptions } from './entity/bound-exchange.js';
export { BoundExchange } from './entity/bound-exchange.js';
export type { DeclareQueueOptions, DeleteQueueOptions } from './entity/bound-queue.js';
export { BoundQueue } from './entity/bound-queue.js';
export type { DeliveryMode } from './entity/delivery-mode.js';
export type { ExchangeJson, ExchangeOptions } from './entity/exchange.js';
export { Exchange } from './entity/exchange.js';
export { binding } from './entity/make-binding.js';
export type { NowaitOptions } from './entity/nowait.js';
export { Queue } from './entity/queue.js';
export type { KombuBindingDict, KombuExchangeDict, KombuQueueDict, KombuQueueOptions } from './entity/queue-dict.js';
export type { OnDeclared, QueueJson, QueueOptions, QueueSettings } from './entity/queue-options.js';
export type { ChannelOrConnection } from './entity/target.js';
export * from './errors/index.js';
export type { MemoryTransport } from './memory/memory.js';
export { createMemoryTransport, memory } from './memory/memory.js';
export { Consumer } from './messaging/consumer.js';
export type {
  CloseOptions,
  ConsumableQueue,
  ConsumeOptions,
  ConsumerEvents,
  ConsumerOptions,
  FailureOutcome,
  MessageCallback,
  MessageHandler,
  QosOptions,
} from './messaging/consumer-options.js';
export type { GetOptions } from './messaging/get-message.js';
export type { MaybeDeclareOptions } from './messaging/maybe-declare.js';
export { maybeDeclare } from './messaging/maybe-declare.js';
export type { AckOptions, DeliveryInfo, MessageState } from './messaging/message.js';
export { Message } from './messaging/message.js';
export { PreparedMessage } from './messaging/prepared-message.js';
export type { ProducerOptions, ReturnHandler } from './messaging/producer.js';
export { Producer } from './messaging/producer.js';
export { PublishManyError } from './messaging/publish-many-error.js';
export type { Entity, MessageOptions, PublishOptions } from './messaging/publish-options.js';
export type { QueueConsumeOptions } from './messaging/queue-consumers.js';
export type { SimpleGetOptions, SimpleQueueOptions } from './messaging/simple-queue.js';
export { SimpleBuffer, SimpleQueue } from './messaging/simple-queue.js';
export type * from './transport/index.js';
export { abortError, onAbort, throwIfAborted, waitOrAbort } from './util/abort.js';
export type { Clock } from './util/clock.js';
export { systemClock } from './util/clock.js';
export type { Deferred } from './util/deferred.js';
export { deferred } from './util/deferred.js';
export { uuid } from './util/id.js';
export type { Logger } from './util/logger.js';
export { consoleLogger, silentLogger } from './util/logger.js';

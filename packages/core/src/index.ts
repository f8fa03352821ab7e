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
export type { DeliveryInfo } from './messaging/delivery-info.js';
export type { GetOptions } from './messaging/get-message.js';
export type { MaybeDeclareOptions } from './messaging/maybe-declare.js';
export { maybeDeclare } from './messaging/maybe-declare.js';
export type { MessageState } from './messaging/message.js';
export { Message } from './messaging/message.js';
export { PreparedMessage } from './messaging/prepared-message.js';
export type { ProducerOptions, ReturnHandler } from './messaging/producer.js';
export { Producer } from './messaging/producer.js';
export { PublishManyError } from './messaging/publish-many-error.js';
export type { Entity, MessageOptions, PublishOptions } from './messaging/publish-options.js';
export type { QueueConsumeOptions } from './messaging/queue-consumers.js';
export type { AckOptions, RejectOptions, RequeueOptions } from './messaging/settle-options.js';
export type { SimpleGetOptions, SimpleQueueOptions } from './messaging/simple-queue.js';
export { SimpleBuffer, SimpleQueue } from './messaging/simple-queue.js';
export type { ClockedEvent } from './patterns/clocks/lamport-clock.js';
export { LamportClock } from './patterns/clocks/lamport-clock.js';
export type { Timetuple } from './patterns/clocks/timetuple.js';
export { compareTimetuples, timetuple } from './patterns/clocks/timetuple.js';
export type { CommandArguments } from './patterns/control/mailbox.js';
export { Mailbox } from './patterns/control/mailbox.js';
export type {
  CallMailboxOptions,
  CommandOptions,
  MailboxOptions,
  NodeReply,
} from './patterns/control/mailbox-options.js';
export type { Matcher } from './patterns/control/matcher.js';
export type { DispatchOptions, ListenOptions, NodeHandler, NodeOptions } from './patterns/control/node.js';
export { Node } from './patterns/control/node.js';
export type { ReplyTo } from './patterns/control/request.js';
export { LaxBoundedSemaphore } from './patterns/counters/lax-bounded-semaphore.js';
export { QoS } from './patterns/counters/qos.js';
export { TokenBucket } from './patterns/counters/token-bucket.js';
export type { BroadcastOptions } from './patterns/helpers/broadcast.js';
export { Broadcast } from './patterns/helpers/broadcast.js';
export type { EventloopOptions } from './patterns/helpers/eventloop.js';
export { eventloop } from './patterns/helpers/eventloop.js';
export { ignoreErrors } from './patterns/helpers/ignore-errors.js';
export { oidFrom } from './patterns/helpers/oid-from.js';
export type {
  AnyConsumer,
  ConsumerContext,
  ConsumerFactory,
  ExtraContext,
  MixinConsumeOptions,
} from './patterns/mixins/consume-options.js';
export { ConsumerMixin } from './patterns/mixins/consumer-mixin.js';
export { ConsumerProducerMixin } from './patterns/mixins/consumer-producer-mixin.js';
export type { ChannelPool, ConnectionPool } from './patterns/pools/connection-pool.js';
export { connections, getLimit, producers, registerGroup, resetPools, setLimit } from './patterns/pools/functions.js';
export type { ProducersOptions } from './patterns/pools/groups.js';
export { Connections, Producers } from './patterns/pools/groups.js';
export type { InsuredContext } from './patterns/pools/insured.js';
export { insured } from './patterns/pools/insured.js';
export type { PoolGroupOptions } from './patterns/pools/pool-group.js';
export { PoolGroup, useDefaultLimit } from './patterns/pools/pool-group.js';
export { PoolSet } from './patterns/pools/pool-set.js';
export type { ProducerPool } from './patterns/pools/producer-pool.js';
export type { AcquireOptions, ResizeOptions, ResourceHooks } from './patterns/pools/resource.js';
export { Resource } from './patterns/pools/resource.js';
export { collectReplies } from './patterns/reply/collect-replies.js';
export type { ItermessagesOptions } from './patterns/reply/itermessages.js';
export { drainConsumer, itermessages } from './patterns/reply/itermessages.js';
export type { DrainOptions } from './patterns/reply/messages-within.js';
export type { SendReplyOptions } from './patterns/reply/send-reply.js';
export { sendReply } from './patterns/reply/send-reply.js';
export type { RpcCallOptions, RpcClientOptions } from './patterns/rpc/rpc-client.js';
export { RpcClient } from './patterns/rpc/rpc-client.js';
export type { RpcHandler, RpcServerOptions } from './patterns/rpc/rpc-server.js';
export { RpcServer } from './patterns/rpc/rpc-server.js';
export type { SchemaIssue, SchemaResult, StandardSchema } from './schema/standard-schema.js';
export type * from './transport/index.js';
export { abortError, onAbort, throwIfAborted, waitOrAbort } from './util/abort.js';
export type { Clock } from './util/clock.js';
export { systemClock } from './util/clock.js';
export type { Deferred } from './util/deferred.js';
export { deferred } from './util/deferred.js';
export { uuid } from './util/id.js';
export type { Logger } from './util/logger.js';
export { consoleLogger, silentLogger } from './util/logger.js';

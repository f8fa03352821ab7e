export type { TransportCapabilities } from './capabilities.js';
export type {
  Arguments,
  BindingSpec,
  Channel as TransportChannel,
  ChannelEvents,
  ConsumeRequest,
  DeleteOptions,
  ExchangeBindingSpec,
  ExchangeSpec,
  MaybePromise,
  Op,
  PublishOp,
  QueueInfo,
  QueueSpec,
} from './channel.js';
export type {
  Delivery,
  Headers,
  MessageProperties,
  Outcome,
  ReturnedMessage,
  Route,
  WireMessage,
} from './delivery.js';
export type { OptionKind, OptionSpec, OptionSpecs } from './options.js';
export type { BrokerTarget, Transport, TransportConnection, TransportContext } from './transport.js';

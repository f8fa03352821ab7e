export type { BroadcastEntry, BroadcastStore } from './broadcast-store.js';
export { isStoredAgain } from './dead-message.js';
export { defineVirtualTransport } from './define-transport.js';
export type {
  DriverLimits,
  ItemFailure,
  LeaseRef,
  Payload,
  PutEntry,
  PutRequest,
  PutResult,
  QueueLimits,
  Reserved,
  ReserveRequest,
  Settlement,
  SettleOutcome,
  StoredMessage,
  VirtualDriver,
  Watch,
} from './driver.js';
export { asKombuError } from './driver-error.js';
export type { ExchangeKind, Router } from './exchange-kinds.js';
export {
  directKind,
  fanoutKind,
  headersKind,
  predeclaredType,
  standardKinds,
  topicKind,
} from './exchange-kinds.js';
export type { FanoutStore } from './fanout-store.js';
export { createKeyValuePresence } from './key-value-presence.js';
export type { KeyValue, KeyValueStep, KeyValueStore } from './key-value-store.js';
export { decodeKeyPart, encodeKeyPart } from './key-value-store.js';
export type { KeyValueLayout, KeyValueTopology } from './key-value-topology.js';
export { createKeyValueTopology } from './key-value-topology.js';
export { createLocalPresence } from './local-presence.js';
export { createLocalTopology } from './local-topology.js';
export type { PresenceEntry, PresenceStore } from './presence-store.js';
export { QueueDrops } from './queue-drops.js';
export { topicPattern } from './topic-pattern.js';
export { compileTopics } from './topic-trie.js';
export type {
  BindingRecord,
  ExchangeRecord,
  ExchangeTable,
  QueueRecord,
  TopologyStore,
  TopologyView,
} from './topology-store.js';
export type { VirtualOptions, VirtualTransportSpec } from './transport-spec.js';
export { Unanswered } from './unanswered.js';
export { withoutProperties } from './without-properties.js';

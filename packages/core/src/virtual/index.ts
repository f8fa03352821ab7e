export type { BroadcastEntry, BroadcastStore } from './broadcast-store.js';
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
export type { ExchangeKind, Router } from './exchange-kinds.js';
export type { PresenceEntry, PresenceStore } from './presence-store.js';
export type { BindingRecord, ExchangeRecord, ExchangeTable, QueueRecord, TopologyStore } from './topology-store.js';
export type { VirtualOptions, VirtualTransportSpec } from './transport-spec.js';
export { predeclaredType, standardKinds } from './exchange-kinds.js';

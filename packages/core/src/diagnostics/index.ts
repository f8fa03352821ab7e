export type {
  ConnectEvent,
  DecodeErrorEvent,
  DeliverEvent,
  DisconnectEvent,
  PublishEvent,
  ReviveEvent,
  SettleEvent,
} from './channels.js';
export { diagnosticsChannels } from './channels.js';

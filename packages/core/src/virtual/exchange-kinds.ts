import type { Headers } from '../transport/delivery.js';
import type { BindingRecord } from './topology-store.js';

/** A compiled routing table of one exchange. */
export interface Router {
  /** Adds to `found` every binding that takes such a message. */
  route(routingKey: string, headers: Headers, found: Set<BindingRecord>): void;
}

/** An exchange type: how its bindings become a router. */
export interface ExchangeKind {
  readonly type: string;
  /** The routing key alone decides, so that routes may be remembered by it. Default: headers decide too. */
  readonly byKeyOnly?: boolean;
  /** Throws ChannelError PRECONDITION_FAILED for arguments that no binding of this kind can have. */
  checkBinding?(binding: BindingRecord): void;
  compile(bindings: readonly BindingRecord[]): Router;
}

/** Where a message came from. */
export interface DeliveryInfo {
  /** The exchange that it was published to. */
  readonly exchange: string;
  /** The routing key that it was published with. */
  readonly routingKey: string;
  /** The queue that it was taken from. */
  readonly queue: string;
  /** Whether it may have been delivered before. */
  readonly redelivered: boolean;
  /** The consumer that got it; undefined for what `get` returned. */
  readonly consumerTag: string | undefined;
}

import { Exchange } from '../entity/exchange.js';

/** How carrot names the parts of an exchange. */
export interface CarrotExchangeOptions {
  /** Name of the exchange. Default `''`, the default exchange. */
  readonly exchange?: string | undefined;
  /** Type of the exchange. Default `direct`. */
  readonly exchangeType?: string | undefined;
  /** Whether exchange (and queue) outlive a restart of the broker. Default true. */
  readonly durable?: boolean | undefined;
  /** Whether exchange (and queue) go away when they are not used any more. Default false. */
  readonly autoDelete?: boolean | undefined;
}

/** The exchange that these options name. */
export function exchangeFrom({ exchange = '', exchangeType, durable, autoDelete }: CarrotExchangeOptions): Exchange {
  return new Exchange(exchange, { type: exchangeType, durable, autoDelete });
}

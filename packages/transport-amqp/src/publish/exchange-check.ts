import type { KombuError } from '@kombu/core';
import type { LinkCore } from '../link/link-core.js';
import { channelError } from '../translate-error.js';

/**
 * Looks whether an exchange is there before the first message of a link goes to it. RabbitMQ answers a publish to an exchange
 * that is not there by ending the channel, which would take the confirms of every other publish in flight with it.
 */
export class ExchangeCheck {
  readonly #link: LinkCore;
  readonly #checked: (exchange: string, error: KombuError | undefined) => void;
  readonly #checking = new Set<string>();

  constructor(link: LinkCore, checked: (exchange: string, error: KombuError | undefined) => void) {
    this.#link = link;
    this.#checked = checked;
  }

  /** Whether this link has seen the exchange; the anonymous one and `amq.*` are always there. */
  known(exchange: string): boolean {
    return exchange === '' || this.#link.exchanges.has(exchange) || exchange.startsWith('amq.');
  }

  /** It may not be there any more. */
  forget(exchange: string): void {
    this.#link.exchanges.delete(exchange);
  }

  /** Looks for an exchange, if nobody does yet, and tells the outcome. */
  start(exchange: string): void {
    if (this.#checking.has(exchange)) return;
    this.#checking.add(exchange);
    void this.#run(exchange);
  }

  async #run(exchange: string): Promise<void> {
    let error: KombuError | undefined;
    try {
      await this.#link.utility.run((channel) => channel.checkExchange(exchange));
      this.#link.exchanges.add(exchange);
    } catch (caught) {
      // Somebody may have declared it since.
      if (!this.known(exchange)) error = channelError(caught, this.#link.lostBecause);
    }
    this.#checking.delete(exchange);
    this.#checked(exchange, error);
  }
}

import { isDeepStrictEqual } from 'node:util';
import type { Arguments } from '../transport/channel.js';
import { checkOptionNames, text } from '../util/check-options.js';
import { frozenArguments, isEmpty } from './arguments.js';
import type { Exchange, ExchangeJson } from './exchange.js';

/** What a {@link Binding} is made with. */
export interface BindingOptions {
  /** The binding key. Default `''`. */
  routingKey?: string | undefined;
  /** Arguments of the binding, such as the headers that a headers exchange compares. */
  arguments?: Readonly<Record<string, unknown>> | undefined;
  /** Arguments to unbind with. Default: `arguments`. */
  unbindArguments?: Readonly<Record<string, unknown>> | undefined;
}

/** A binding as JSON. */
export interface BindingJson extends BindingOptions {
  exchange: ExchangeJson | string;
}

const OPTIONS = new Set(['routingKey', 'arguments', 'unbindArguments']);

/** One of several bindings of a queue. Frozen. Made by `binding()` or `exchange.binding()`. */
export class Binding {
  /** The exchange that messages come from. */
  readonly exchange: Exchange;
  /** The binding key. */
  readonly routingKey: string;
  /** Arguments of the binding. */
  readonly arguments: Arguments;
  /** Arguments to unbind with. */
  readonly unbindArguments: Arguments;

  constructor(exchange: Exchange, options: BindingOptions = {}) {
    checkOptionNames('binding', options, OPTIONS);
    this.exchange = exchange;
    this.routingKey = text('binding', 'routingKey', options.routingKey, '');
    this.arguments = frozenArguments('binding', 'arguments', options.arguments);
    const unbind =
      options.unbindArguments === undefined
        ? this.arguments
        : frozenArguments('binding', 'unbindArguments', options.unbindArguments);
    this.unbindArguments = isDeepStrictEqual(unbind, this.arguments) ? this.arguments : unbind;
    Object.freeze(this);
  }

  /** A plain object; everything at its default is left out. */
  toJSON(): BindingJson {
    return {
      exchange: this.exchange.toJSON(),
      ...(this.routingKey === '' ? {} : { routingKey: this.routingKey }),
      ...(isEmpty(this.arguments) ? {} : { arguments: this.arguments }),
      ...(this.unbindArguments === this.arguments ? {} : { unbindArguments: this.unbindArguments }),
    };
  }
}

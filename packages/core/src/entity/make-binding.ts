import { InvalidOptionError } from '../errors/index.js';
import { Binding, type BindingJson, type BindingOptions } from './binding.js';
import { Exchange } from './exchange.js';

/** The exchange itself, or the direct, durable exchange of that name. */
export function exchangeOf(owner: string, exchange: Exchange | string): Exchange {
  if (exchange instanceof Exchange) return exchange;
  if (typeof exchange === 'string') return new Exchange(exchange);
  throw new InvalidOptionError(`${owner}: an Exchange or the name of one is needed`);
}

/**
 * A binding of a queue to `exchange` (or the direct exchange of that name): one of several in
 * `new Queue(name, { bindings: [...] })`. A message that several bindings of a queue match reaches it once.
 *
 * @throws InvalidOptionError for an unknown option.
 */
export function binding(exchange: Exchange | string, options: BindingOptions = {}): Binding {
  return new Binding(exchangeOf('binding', exchange), options);
}

/** The binding that its `toJSON` gave. */
export function bindingFromJSON(json: BindingJson): Binding {
  const { exchange, ...options } = json;
  return new Binding(typeof exchange === 'string' ? new Exchange(exchange) : Exchange.fromJSON(exchange), options);
}

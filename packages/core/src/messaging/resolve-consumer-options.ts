import { types } from 'node:util';
import { InvalidOptionError } from '../errors/index.js';
import { checkedSchema } from '../schema/validate.js';
import { checkedSignal } from '../util/abort.js';
import { checkOptionNames, flag, optionalFunction, text, wholeNumber } from '../util/check-options.js';
import { CONSUMER_OPTION_NAMES, type ConsumerOptions, type ResolvedConsumerOptions } from './consumer-options.js';

const OWNER = 'Consumer';
const DEFAULT_PREFETCH = 50;

/** Checks the options of a consumer and fills in the defaults. @throws InvalidOptionError */
export function resolveConsumerOptions<T>(options: ConsumerOptions<T>): ResolvedConsumerOptions {
  checkOptionNames(OWNER, options, CONSUMER_OPTION_NAMES);
  optionalFunction(OWNER, 'onMessage', options.onMessage);
  optionalFunction(OWNER, 'onDecodeError', options.onDecodeError);
  optionalFunction(OWNER, 'onError', options.onError);
  for (const callback of checkedList('callbacks', options.callbacks)) optionalFunction(OWNER, 'callbacks', callback);
  return {
    accept: checkedAccept(options.accept),
    noAck: options.noAck === undefined ? undefined : flag(OWNER, 'noAck', options.noAck, false),
    autoDeclare: flag(OWNER, 'autoDeclare', options.autoDeclare, true),
    prefetchCount: wholeNumber(OWNER, 'prefetchCount', options.prefetchCount, 0, 65_535) ?? DEFAULT_PREFETCH,
    concurrency: wholeNumber(OWNER, 'concurrency', options.concurrency, 1),
    exclusive: flag(OWNER, 'exclusive', options.exclusive, false),
    noLocal: flag(OWNER, 'noLocal', options.noLocal, false),
    schema: checkedSchema(OWNER, options.schema),
    tagPrefix: text(OWNER, 'tagPrefix', options.tagPrefix, 'kombu-'),
    signal: checkedSignal(options.signal, OWNER),
  };
}

/** @throws InvalidOptionError when it is neither `'any'` nor a list of names */
export function checkedAccept(accept: unknown): readonly string[] | 'any' | undefined {
  if (accept === undefined || accept === 'any') return accept;
  const names = types.isSet(accept) ? [...accept] : accept;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new InvalidOptionError(`${OWNER}: 'accept' must be a list of serializer names and MIME types, or 'any'`);
}

function checkedList(name: string, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new InvalidOptionError(`${OWNER}: '${name}' must be an array`);
}

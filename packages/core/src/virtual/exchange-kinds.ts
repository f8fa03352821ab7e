import type { Headers } from '../transport/delivery.js';
import { checkHeadersBinding, headersMatch } from './headers-match.js';
import { compileTopics } from './topic-trie.js';
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

/** Every binding whose key equals the routing key. */
export const directKind: ExchangeKind = {
  type: 'direct',
  byKeyOnly: true,
  compile(bindings) {
    const byKey = new Map<string, BindingRecord[]>();
    for (const binding of bindings) {
      const list = byKey.get(binding.routingKey);
      if (list === undefined) byKey.set(binding.routingKey, [binding]);
      else list.push(binding);
    }
    return {
      route(routingKey, _headers, found) {
        for (const binding of byKey.get(routingKey) ?? []) found.add(binding);
      },
    };
  },
};

/** AMQP's topic rules: `*` is exactly one word, `#` zero or more. */
export const topicKind: ExchangeKind = {
  type: 'topic',
  byKeyOnly: true,
  compile: (bindings) => compileTopics(bindings),
};

/** Every binding. */
export const fanoutKind: ExchangeKind = {
  type: 'fanout',
  byKeyOnly: true,
  compile: (bindings) => ({
    route(_routingKey, _headers, found) {
      for (const binding of bindings) found.add(binding);
    },
  }),
};

/** The bindings whose arguments the message's headers match, with x-match all, any, all-with-x or any-with-x. */
export const headersKind: ExchangeKind = {
  type: 'headers',
  checkBinding: checkHeadersBinding,
  compile: (bindings) => ({
    route(_routingKey, headers: Headers, found) {
      for (const binding of bindings) if (headersMatch(binding, headers)) found.add(binding);
    },
  }),
};

/** The four types of AMQP. */
export const standardKinds: readonly ExchangeKind[] = [directKind, topicKind, fanoutKind, headersKind];

const PREDECLARED: ReadonlyMap<string, string> = new Map([
  ['amq.direct', 'direct'],
  ['amq.topic', 'topic'],
  ['amq.fanout', 'fanout'],
  ['amq.headers', 'headers'],
  ['amq.match', 'headers'],
]);

/** The type of an exchange that exists everywhere without being declared; undefined for every other name. */
export function predeclaredType(exchange: string): string | undefined {
  return PREDECLARED.get(exchange);
}

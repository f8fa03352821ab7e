import type { BindingSpec, TransportChannel } from '@kombu/core';
import type { BindingRecord, ExchangeKind } from '@kombu/core/virtual';
import { declareGroup, routingDirect, routingHeaders, routingTopic } from '../../src/index.js';
import { channelSaboteur, driverSaboteur, type Saboteur } from './saboteur.js';

/** Topic exchanges by a regular expression, as it is often written. */
function topicByPattern(translate: (pattern: string) => string): ExchangeKind {
  return {
    type: 'topic',
    compile(bindings) {
      const patterns = bindings.map((b) => [b, new RegExp(`^${translate(b.routingKey)}$`)] as const);
      return {
        route(routingKey, _headers, found: Set<BindingRecord>) {
          for (const [binding, pattern] of patterns) if (pattern.test(routingKey)) found.add(binding);
        },
      };
    },
  };
}

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');

/** Transports that route wrongly. */
export const routing: readonly Saboteur[] = [
  driverSaboteur({ name: '* matches across dots', group: routingTopic, caughtBy: /truth table/ }, () => () => ({}), {
    exchangeKinds: [topicByPattern((p) => escaped(p).replaceAll('*', '.*').replaceAll('#', '.*'))],
  }),
  driverSaboteur(
    { name: '# wants at least one word', group: routingTopic, caughtBy: /truth table/ },
    () => () => ({}),
    { exchangeKinds: [topicByPattern((p) => escaped(p).replaceAll('*', '[^.]*').replaceAll('#', '.+'))] },
  ),
  driverSaboteur(
    { name: 'a headers binding of all is content with any', group: routingHeaders, caughtBy: /truth table/ },
    () => () => ({}),
    {
      exchangeKinds: [
        {
          type: 'headers',
          compile: (bindings) => ({
            route(_key, headers, found: Set<BindingRecord>) {
              for (const b of bindings) {
                const wanted = Object.entries(b.arguments).filter(([name]) => !name.startsWith('x-'));
                if (wanted.some(([name, value]) => headers[name] === value)) found.add(b);
              }
            },
          }),
        },
      ],
    },
  ),
  channelSaboteur(
    { name: 'forgets a binding of another connection', group: routingDirect, caughtBy: /made on another connection/ },
    () => {
      let first: object | undefined;
      return (channel: TransportChannel, _events, connection) => ({
        async bindQueue(binding: BindingSpec, o) {
          first ??= connection;
          if (connection === first) await channel.bindQueue(binding, o);
        },
      });
    },
  ),
  channelSaboteur({ name: 'does not unbind', group: routingDirect, caughtBy: /an unbound key/ }, () => () => ({
    unbindQueue: async () => {},
  })),
  channelSaboteur(
    {
      name: 'finds every queue that is asked for',
      group: declareGroup,
      caughtBy: /passive declaration of what is not/,
    },
    () => (channel) => ({
      async declareQueue(queue, o) {
        if (queue.passive !== true) return channel.declareQueue(queue, o);
        return channel.declareQueue(queue, o).catch(() => ({ queue: queue.name, messageCount: 0, consumerCount: 0 }));
      },
    }),
  ),
  channelSaboteur(
    { name: 'overlooks that a queue is declared otherwise', group: declareGroup, caughtBy: /with other arguments/ },
    () => (channel) => ({
      declareQueue: (queue, o) =>
        channel.declareQueue(queue, o).catch(() => channel.declareQueue({ ...queue, passive: true }, o)),
    }),
  ),
];

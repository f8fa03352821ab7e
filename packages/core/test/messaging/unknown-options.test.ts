import { describe, expect, it } from '@jest/globals';
import { type Connection, Exchange, eventloop, Mailbox, Producers, Queue } from '../../src/index.js';
import { failure, memoryTest } from '../support/with-memory.js';

const queue = new Queue('q');
const with_ = memoryTest({ declare: [queue] });

type Call = (connection: Connection, options: never) => unknown;

/** Each call, what it is called in its error, an option that it does not have, and the one that may be meant. */
const calls: readonly [string, string, string, Call][] = [
  ['get', 'noAk', 'noAck', (c, o) => queue.bind(c).get(o)],
  ['declare', 'passiv', 'passive', (c, o) => queue.bind(c).declare(o)],
  ['queueDeclare', 'passiv', 'passive', (c, o) => queue.bind(c).queueDeclare(o)],
  ['queueBind', 'nowai', 'nowait', (c, o) => queue.bind(c).queueBind(o)],
  ['queueUnbind', 'argument', 'arguments', (c, o) => queue.bind(c).queueUnbind(o)],
  ['bindTo', 'routing_key', 'routingKey', (c, o) => queue.bind(c).bindTo('amq.direct', o)],
  ['unbindFrom', 'routing_key', 'routingKey', (c, o) => queue.bind(c).unbindFrom('amq.direct', o)],
  ['purge', 'timeout', 'timeoutMs', (c, o) => queue.bind(c).purge(o)],
  ['delete', 'ifUnsued', 'ifUnused', (c, o) => queue.bind(c).delete(o)],
  ['consume', 'no_ack', 'noAck', (c, o) => queue.bind(c).consume({ onMessage: () => {}, ...(o as object) })],
  ['declare', 'passiv', 'passive', (c, o) => new Exchange('e').bind(c).declare(o)],
  ['delete', 'if_unused', 'ifUnused', (c, o) => new Exchange('e').bind(c).delete(o)],
  ['bindTo', 'routingkey', 'routingKey', (c, o) => new Exchange('e').bind(c).bindTo('f', o)],
  ['unbindFrom', 'routingkey', 'routingKey', (c, o) => new Exchange('e').bind(c).unbindFrom('f', o)],
  ['message', 'header', 'headers', (c, o) => new Exchange('e').bind(c).message('x', o)],
  ['publish', 'mandatry', 'mandatory', (c, o) => new Exchange('').bind(c).publish('x', o)],
  ['publish', 'routing_key', 'routingKey', (c, o) => c.producer().publish('x', o)],
  ['publishMany', 'routing_key', 'routingKey', (c, o) => c.producer().publishMany(['x'], o)],
  ['declare', 'timeout', 'timeoutMs', (c, o) => c.producer().declare(o)],
  ['maybeDeclare', 'retri', 'retry', (c, o) => c.producer().maybeDeclare(queue, o)],
  ['consume', 'noack', 'noAck', (c, o) => c.consumer({ queues: [queue], onMessage: () => {} }).consume(o)],
  ['declare', 'timeout', 'timeoutMs', (c, o) => c.consumer({ queues: [queue] }).declare(o)],
  ['purge', 'signl', 'signal', (c, o) => c.consumer({ queues: [queue] }).purge(o)],
  ['qos', 'prefetch_count', 'prefetchCount', (c, o) => c.consumer({ queues: [queue] }).qos(o)],
  ['close', 'drain', 'drainMs', (c, o) => c.consumer({ queues: [queue] }).close(o)],
  ['get', 'blok', 'block', (c, o) => c.simpleQueue('s').get(o)],
  ['get', 'blok', 'block', (c, o) => c.simpleQueue('s').getNowait(o)],
  ['qsize', 'timeout', 'timeoutMs', (c, o) => c.simpleQueue('s').qsize(o)],
  ['clear', 'timeout', 'timeoutMs', (c, o) => c.simpleQueue('s').clear(o)],
  ['publish', 'prioriti', 'priority', (c, o) => c.simpleQueue('s').put('x', o)],
  ['open', 'timeout', 'timeoutMs', (c, o) => c.channel().open(o)],
  ['get', 'noAk', 'noAck', (c, o) => c.channel().get('q', o)],
  ['purgeQueue', 'timeout', 'timeoutMs', (c, o) => c.channel().purgeQueue('q', o)],
  ['deleteQueue', 'ifEmtpy', 'ifEmpty', (c, o) => c.channel().deleteQueue('q', o)],
  ['deleteExchange', 'ifUsed', 'ifUnused', (c, o) => c.channel().deleteExchange('e', o)],
  ['cancel', 'timeout', 'timeoutMs', (c, o) => c.channel().cancel('tag', o)],
  ['connect', 'timeout', 'timeoutMs', (c, o) => c.connect(o)],
  ['drainEvents', 'timeout', 'timeoutMs', (c, o) => c.drainEvents(o)],
  ['close', 'drain', 'drainMs', (c, o) => c.close(o)],
  ['asUri', 'include_password', 'includePassword', (c, o) => c.asUri(o)],
  ['acquire', 'timeout', 'timeoutMs', (c, o) => c.pool(1).acquire(o)],
  ['resize', 'forced', 'force', (c, o) => c.pool(1).resize(2, o)],
  ['forceCloseAll', 'close_pool', 'closePool', (c, o) => c.pool(1).forceCloseAll(o)],
  ['Producers', 'connection', 'connections', (_, o) => new Producers(o)],
  ['start', 'timeout', 'timeoutMs', (c, o) => c.rpcClient().start(o)],
  ['call', 'timeout', 'timeoutMs', (c, o) => c.rpcClient().call('q', 'x', o)],
  ['cast', 'patern', 'pattern', (c, o) => new Mailbox('m').bind(c).cast(['n'], 'x', {}, o)],
  ['abcast', 'patern', 'pattern', (c, o) => new Mailbox('m').bind(c).abcast('x', {}, o)],
  ['call', 'timeout', 'timeoutMs', (c, o) => new Mailbox('m').bind(c).call(['n'], 'x', {}, o)],
  ['multiCall', 'limits', 'limit', (c, o) => new Mailbox('m').bind(c).multiCall('x', {}, o)],
  ['node', 'handler', 'handlers', (c, o) => new Mailbox('m').bind(c).node('n', o)],
  ['listen', 'calback', 'callback', (c, o) => new Mailbox('m').bind(c).node('n').listen(o)],
  ['dispatch', 'reply_to', 'replyTo', (c, o) => new Mailbox('m').bind(c).node('n').dispatch('x', {}, o)],
  ['eventloop', 'limits', 'limit', (c, o) => eventloop(c, o).next()],
];

describe('an option that a call does not have', () => {
  it.each(calls)('%s: %s is refused, and %s is proposed', (owner, wrong, meant, call) =>
    with_(async (connection) => {
      const options = { [wrong]: 1 } as never;
      const error = await failure((async () => call(connection, options))());
      expect(error.code).toBe('ERR_KOMBU_INVALID_OPTION');
      expect(error.message).toBe(`${owner} has no option '${wrong}'; did you mean '${meant}'?`);
    }),
  );

  it.each(['ack', 'reject', 'requeue'] as const)('%s: the message stays unsettled', (method) =>
    with_(async (connection) => {
      await connection.producer().publish('x', { routingKey: 'q' });
      const message = await queue.bind(connection).get();
      const error = await failure(message?.[method]({ confirmed: true } as never) as Promise<void>);
      expect(error.code).toBe('ERR_KOMBU_INVALID_OPTION');
      expect(error.message).toBe(`${method} has no option 'confirmed'; did you mean 'confirm'?`);
      expect(message?.acknowledged).toBe(false);
      expect((await failure(message?.[method](true as never) as Promise<void>)).message).toContain(
        'an object, not true',
      );
      expect((await failure(message?.[method]({ confirm: 1 as never }) as Promise<void>)).message).toContain(
        "'confirm'",
      );
      await message?.[method]();
    }),
  );

  it('is refused where no options are an object either', () =>
    with_(async (connection) => {
      const error = await failure(queue.bind(connection).purge(null as never));
      expect(error.message).toBe('purge: options are an object, not null');
    }));
});

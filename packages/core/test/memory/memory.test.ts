import { afterEach, describe, expect, it } from '@jest/globals';
import { OperationalError } from '../../src/errors/index.js';
import { createMemoryTransport } from '../../src/memory/memory.js';
import { PriorityLines } from '../../src/util/priority-lines.js';
import { closeAll, collect, connect, drain, failure, message, queue, to, until } from '../virtual/support/level1.js';

afterEach(closeAll);

describe('memory', () => {
  it('has one broker a name, for every connection of the transport', async () => {
    const transport = createMemoryTransport();
    const names = [undefined, 'localhost', 'other'] as const;
    const [a, b, other] = await Promise.all(
      names.map((hostname) => connect(transport, hostname === undefined ? {} : { hostname })),
    );
    await a?.channel.publish(message('m'), to('', 'q'));
    expect((await failure(other?.channel.get('q'))).code).toBe('ERR_KOMBU_NOT_FOUND');
    expect(b && (await drain(b.channel, 'q'))).toEqual(['m']);
    const isolated = await connect(createMemoryTransport());
    expect((await failure(isolated.channel.get('q'))).code).toBe('ERR_KOMBU_NOT_FOUND');
  });

  it('hands headers on as any other broker would', async () => {
    const { channel } = await connect(createMemoryTransport());
    await channel.declareQueue(queue('q'));
    const plain = { text: 'a', list: [1, { deep: null }], yes: true };
    const rich = { at: new Date(0), call: () => 1, nothing: undefined, list: [new Date(0)] };
    for (const headers of [plain, rich]) await channel.publish({ ...message('m'), headers }, to('', 'q'));
    expect((await channel.get('q'))?.headers).toEqual(plain);
    const got = (await channel.get('q'))?.headers;
    expect(Object.keys(got ?? {}).sort()).toEqual(['at', 'list']);
    expect(typeof got?.at).toBe('string');
    expect(got?.list).toEqual([got?.at]);
  });

  it('outlives its connections', async () => {
    const transport = createMemoryTransport();
    const first = await connect(transport);
    await first.channel.declareQueue(queue('q'));
    await first.channel.publish(message('m'), to('', 'q'));
    await first.connection.close();
    expect(await drain((await connect(transport)).channel, 'q')).toEqual(['m']);
  });

  it('breaks links and refuses connections on demand', async () => {
    const transport = createMemoryTransport();
    const { connection, channel } = await connect(transport);
    const why = new OperationalError('CONNECTION_LOST', 'pulled the plug');
    transport.failLinks(why);
    expect(await connection.closed).toBe(why);
    expect(await channel.closed).toBe(why);
    expect(await failure(channel.publish(message('m'), to('', 'q')))).toBe(why);
    transport.refuseConnections = true;
    expect((await failure(connect(transport))).code).toBe('ERR_KOMBU_CONNECT_REFUSED');
    transport.refuseConnections = why;
    expect(await failure(connect(transport))).toBe(why);
    transport.refuseConnections = false;
    await connect(transport);
    connection.destroy();
    await connection.close();
  });

  it('gives back what a destroyed connection held', async () => {
    const transport = createMemoryTransport();
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareQueue(queue('q'));
    for (const body of ['1', '2', '3']) await a.channel.publish(message(body), to('', 'q'));
    const { got } = await collect(a.channel, 'q', { prefetch: 2 });
    await until('two came', () => got.length === 2);
    a.connection.destroy();
    expect(await a.connection.closed).toBeUndefined();
    expect(await drain(b.channel, 'q')).toEqual(['1', '2', '3']);
  });

  it('keeps the process alive while it consumes, and not when it is idle', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const { channel } = await connect(createMemoryTransport());
    await channel.declareQueue(queue('q', { arguments: { 'x-message-ttl': 1000, 'x-expires': 60_000 } }));
    await channel.publish(message('m'), to('', 'q'));
    expect(timers()).toBe(before);
    const { tag, got } = await collect(channel, 'q', { handle: (delivery) => void channel.settle(delivery, 'ack') });
    await until('it has rested', () => got.length === 1 && timers() > before);
    await channel.cancel(tag);
    expect(timers()).toBe(before);
  });
});

describe('lines by priority', () => {
  it('keep the order of what is put back', () => {
    const lines = new PriorityLines<{ name: string; priority: number; bytes: number; order: number }>();
    const item = (name: string, priority: number) => ({ name, priority, bytes: 1, order: 0 });
    for (let i = 0; i < 3000; i++) lines.push(item(`low-${i}`, 0));
    lines.push(item('high', 9));
    expect(lines.shift()?.name).toBe('high');
    const taken = Array.from({ length: 2000 }, () => lines.shift());
    for (const i of [5, 3, 1999, 0]) {
      const one = taken[i];
      if (one !== undefined) lines.putBack(one);
    }
    expect(Array.from({ length: 5 }, () => lines.shift()?.name)).toEqual([
      'low-0',
      'low-3',
      'low-5',
      'low-1999',
      'low-2000',
    ]);
    expect(lines.size).toBe(999);
    expect(lines.shiftWhile((_, size) => size > 990).length).toBe(9);
    expect(lines.shift()?.name).toBe('low-2010');
  });
});

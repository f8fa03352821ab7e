import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import type { BroadcastEntry, BroadcastStore } from '@kombu/core/virtual';
import { type AllOptions, type OpenedDriver, openDriver } from './support/driver.js';
import { startServer } from './support/server.js';

const server = await startServer();
const open: OpenedDriver[] = [];

/** What the driver is to send; only the payload goes over the wire. */
function fanout(exchange: string, routingKey: string, payload: string): BroadcastEntry {
  const message = { body: Buffer.from(payload), contentType: undefined, contentEncoding: undefined };
  return { exchange, routingKey, payload, message: { ...message, headers: {}, properties: {} } };
}

async function broadcastOf(options: AllOptions = {}, url = server.url): Promise<BroadcastStore> {
  const driver = await openDriver(url, options);
  open.push(driver);
  return driver.broadcast as BroadcastStore;
}

beforeEach(() => server.command('FLUSHALL'));
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close();
});
afterAll(() => server.close());

/** Subscribes and returns what arrives. */
async function listen(broadcast: BroadcastStore, exchange: string, routingKey = '', queue = 'q') {
  const got: string[] = [];
  const subscription = await broadcast.subscribe({ exchange, routingKey, queue }, (payload) => got.push(payload));
  return { got, close: () => subscription.close() };
}

describe('fanout', () => {
  it('reaches everybody who is subscribed, of any process, once each', async () => {
    const one = await broadcastOf();
    const two = await broadcastOf();
    const a = await listen(one, 'x');
    const b = await listen(one, 'x');
    const c = await listen(two, 'x');
    await two.publish([fanout('x', '', '1'), fanout('x', '', '2')]);
    await until(() => a.got.length === 2 && b.got.length === 2 && c.got.length === 2, { what: 'all copies' });
    expect([a.got, b.got, c.got]).toEqual([
      ['1', '2'],
      ['1', '2'],
      ['1', '2'],
    ]);
  });

  it('is what PUBLISH to the channel of Python makes', async () => {
    const broadcast = await broadcastOf();
    const empty = await listen(broadcast, 'x', '', 'empty');
    const all = await listen(broadcast, 'x', '#', 'all');
    const some = await listen(broadcast, 'x', 'task.*', 'some');
    await server.command('PUBLISH', '/0.x', 'plain');
    await server.command('PUBLISH', '/0.x/task.sent', 'task');
    await server.command('PUBLISH', '/0.x/worker.online', 'worker');
    await server.command('PUBLISH', '/1.x', 'other database');
    await until(() => all.got.length === 3 && empty.got.length === 3, { what: 'the last of them' });
    expect(empty.got).toEqual(['plain', 'task', 'worker']);
    expect(all.got).toEqual(['plain', 'task', 'worker']);
    expect(some.got).toEqual(['task']);
  });

  it('is published to where Python listens', async () => {
    const plain = await broadcastOf();
    const watcher = await listen(await broadcastOf({ fanoutPrefix: '', fanoutPatterns: false }), '/0.x/k');
    await plain.publish([fanout('x', 'k', 'p')]);
    await until(() => watcher.got.length === 1, { what: 'the message on the literal channel' });
    const prefixed = await broadcastOf(
      { globalKeyprefix: 'g:', fanoutPrefix: '/{db}-' },
      server.url.replace(/\/0$/, '/2'),
    );
    const other = await listen(await broadcastOf({ fanoutPrefix: '' }), 'g:/2-x');
    await prefixed.publish([fanout('x', '', 'p')]);
    await until(() => other.got.length === 1, { what: 'the message on the prefixed channel' });
  });

  it('gives a queue one copy of a message that several of its bindings match', async () => {
    const broadcast = await broadcastOf();
    const [one, two] = [await listen(broadcast, 'x', 'a.*'), await listen(broadcast, 'x', '*.b')];
    const other = await listen(broadcast, 'x', '#', 'other');
    await server.command('PUBLISH', '/0.x/a.b', '1');
    await server.command('PUBLISH', '/0.x/a.b', '2');
    await until(() => other.got.length === 2, { what: 'both messages' });
    await until(() => one.got.length + two.got.length >= 2, { what: 'both messages' });
    expect([...one.got, ...two.got].sort()).toEqual(['1', '2']);
  });

  it('tells two messages apart that are the same', async () => {
    const broadcast = await broadcastOf();
    const [all, some] = [await listen(broadcast, 'x', '#', 'both'), await listen(broadcast, 'x', 'a.*', 'both')];
    const one = await listen(broadcast, 'x', 'a.*', 'one');
    for (let i = 0; i < 3; i++) await server.command('PUBLISH', '/0.x/a.b', 'same');
    await server.command('PUBLISH', '/0.x/a.b', 'end');
    const both = () => [...all.got, ...some.got];
    await until(() => both().includes('end') && one.got.includes('end'), { what: 'the last of them' });
    expect(both()).toEqual(['same', 'same', 'same', 'end']);
    expect(one.got).toEqual(['same', 'same', 'same', 'end']);
  });

  it('takes glob characters in an exchange name as they are', async () => {
    const broadcast = await broadcastOf();
    const star = await listen(broadcast, 'a*[b]?');
    await broadcast.publish([fanout('axbc', '', 'no'), fanout('a*[b]?', '', 'yes')]);
    await until(() => star.got.length > 0, { what: 'the message' });
    expect(star.got).toEqual(['yes']);
  });

  it('ends for real when the last subscription is closed', async () => {
    const broadcast = await broadcastOf();
    const first = await listen(broadcast, 'x');
    const second = await listen(broadcast, 'x');
    const subscribed = async () => Number(await server.command('PUBSUB', 'NUMPAT'));
    expect(await subscribed()).toBe(2);
    await first.close();
    expect(await subscribed()).toBe(2);
    await second.close();
    await second.close();
    expect(await subscribed()).toBe(0);
    const third = await listen(broadcast, 'x');
    await broadcast.publish([fanout('x', '', 'p')]);
    await until(() => third.got.length === 1, { what: 'the message' });
    expect(first.got).toEqual([]);
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, it } from '@jest/globals';
import { ChildProcessHandle, startChild } from '../src/child/child-process.js';
import { Collector, ids } from '../src/collector.js';
import { startProxy } from '../src/index.js';
import { seededRandom, seedFor } from '../src/random.js';
import { until } from '../src/wait.js';

function collected(exactlyOnce: boolean, ...seen: readonly string[]): Collector {
  const collector = new Collector({ exactlyOnce, waitMs: 50 });
  for (const id of seen) collector.note(id);
  return collector;
}

describe('the collector', () => {
  it('fails for a lost message, whatever the transport says', () => {
    for (const exactlyOnce of [true, false]) {
      const check = (): void => collected(exactlyOnce, 'm0').assertExactly(ids(2), { faults: true });
      assert.throws(check, /lost 1 of 2: m1/);
    }
  });

  it('fails for a double only where the transport says exactly-once and nothing failed', () => {
    assert.throws(() => collected(true, 'm0', 'm0').assertExactly(ids(1)), /came twice/);
    collected(false, 'm0', 'm0').assertExactly(ids(1));
    collected(true, 'm0', 'm0').assertExactly(ids(1), { faults: true });
  });

  it('fails for a message that nobody sent', () => {
    assert.throws(() => collected(true, 'm0', 'other').assertExactly(ids(1)), /nobody sent/);
  });

  it('says at its deadline what did not come', async () => {
    await assert.rejects(collected(true, 'm0').waitFor(ids(3)), /2 of 3 messages did not come \(m1, m2\)/);
  });
});

describe('until', () => {
  it('gives back what the condition says, and fails at its deadline with the last answer', async () => {
    let n = 0;
    assert.equal(await until('three', () => (++n === 3 ? 'done' : undefined), 1000), 'done');
    await assert.rejects(
      until('never', () => false, 20),
      /never: not within/,
    );
  });

  it('does not wait for a condition that never answers', async () => {
    await assert.rejects(
      until('silence', () => new Promise(() => {}), 20),
      /silence: not within/,
    );
  });
});

describe('random moments', () => {
  it('are repeated by their seed, and differ between cases', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 5 }, () => random.between(0, 1000));
    };
    assert.deepEqual(draw(seedFor(1, 'a')), draw(seedFor(1, 'a')));
    assert.notDeepEqual(draw(seedFor(1, 'a')), draw(seedFor(1, 'b')));
    assert.notDeepEqual(draw(seedFor(1, 'a')), draw(seedFor(2, 'a')));
  });
});

describe('the proxy', () => {
  it('passes bytes, stalls both ways without closing, and cuts', async () => {
    const server = net.createServer((socket) => socket.on('error', () => {}).pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = await startProxy('127.0.0.1', (server.address() as net.AddressInfo).port);
    const client = net.connect(proxy.port, '127.0.0.1');
    let heard = '';
    let closed = false;
    client.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
    });
    client.on('close', () => {
      closed = true;
    });
    client.on('error', () => {});
    client.write('one');
    await until('an echo', () => heard === 'one', 2000);
    proxy.stall();
    client.write('two');
    const other = net.connect(proxy.port, '127.0.0.1');
    await until('a new connection that is stalled', () => proxy.connections === 2, 2000);
    assert.deepEqual([heard, closed], ['one', false]);
    const third = net.connect(proxy.port, '127.0.0.1');
    await until('one more', () => proxy.connections === 3, 2000);
    third.end();
    await until('it is seen when a client closes', () => proxy.connections === 2, 2000);
    proxy.cut();
    await until('the client is cut', () => closed, 2000);
    assert.equal(heard, 'one');
    await until('no connection', () => proxy.connections === 0, 2000);
    other.destroy();
    await proxy.close();
    server.close();
    await once(server, 'close');
  });
});

describe('a child process', () => {
  it('says what is wrong with a module that exports no transport', async () => {
    const module = path.join(import.meta.dirname, '../dist/scale.js');
    const starting = startChild({ module }, { url: 'memory://' }, {}, 20_000);
    await assert.rejects(starting, /exports no transport/);
  }, 30_000);

  it('passes errors on with their code, and ends when it is told to', async () => {
    const child = await startChild({}, { url: 'memory://' }, {}, 20_000);
    const publishing = child.tell('publish', { ids: ['a'], exchange: 'nowhere', routingKey: 'k' });
    await assert.rejects(publishing, { code: 'ERR_KOMBU_NOT_FOUND' });
    await child.stop();
    assert.deepEqual(await child.kill(), []);
  }, 30_000);

  it('has said everything it went on from when it is killed, however far behind its parent reads', async () => {
    const say = pathToFileURL(path.join(import.meta.dirname, '../dist/child/say.js')).href;
    const script = `import { say } from '${say}';
      for (let n = 0; n < 5000; n++) say({ say: 'settling', id: String(n) });
      process.kill(process.pid, 'SIGKILL');`;
    const args = ['--input-type=module', '--eval', script];
    const child = new ChildProcessHandle(
      spawn(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } }),
      20_000,
    );
    await assert.rejects(
      child.until('all of it', () => false),
      /the child process ended \(SIGKILL\)/,
    );
    assert.equal(child.ledger.settling.size, 5000);
  }, 30_000);

  it('holds what it was given and did not acknowledge when it is killed', async () => {
    const child = await startChild({}, { url: 'memory://' }, {}, 20_000);
    const queue = { name: 'q' };
    await child.tell('declareQueue', { queue });
    await child.tell('publish', { ids: ids(3), exchange: '', routingKey: 'q' });
    await child.tell('consume', { queue, prefetchCount: 2, hold: true });
    await child.until('two messages', (ledger) => ledger.delivered.size === 2);
    assert.deepEqual(await child.kill(), ['m0', 'm1']);
  }, 30_000);
});

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FaultProxy, startProxy, until } from '@kombu/brokers';

describe('the proxy', () => {
  let echo: Server;
  let proxy: FaultProxy;
  const clients: Socket[] = [];

  beforeEach(async () => {
    echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await startProxy((echo.address() as AddressInfo).port);
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.close();
    await new Promise((resolve) => echo.close(resolve));
  });

  function client() {
    const socket = connect(proxy.port, proxy.host);
    clients.push(socket);
    const seen = { text: '', closed: false, socket };
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      seen.text += chunk;
    });
    socket.on('close', () => {
      seen.closed = true;
    });
    return seen;
  }

  async function connected() {
    const c = client();
    c.socket.write('hello');
    await until(() => c.text === 'hello', { what: 'an echo' });
    return c;
  }

  it('relays both ways, and half-closes', async () => {
    const c = await connected();
    expect(proxy.connections).toBe(1);
    c.socket.end('bye');
    await until(() => c.closed, { what: 'the end' });
    expect(c.text).toBe('hellobye');
    await until(() => proxy.connections === 0, { what: 'the link is forgotten' });
    expect(proxy.bytes).toBe(16);
  });

  it('cuts: resets what is connected, refuses what comes, until it resumes', async () => {
    const c = await connected();
    proxy.cut();
    await until(() => c.closed, { what: 'a reset' });
    const refused = client();
    await until(() => refused.closed, { what: 'a refusal' });
    proxy.resume();
    await connected();
  });

  it('freezes: nothing passes and nothing closes, until it resumes', async () => {
    const c = await connected();
    proxy.freeze();
    c.socket.write('lost');
    const late = client();
    late.socket.write('lost too');
    await once(late.socket, 'connect');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([c.text, c.closed, late.text, late.closed]).toEqual(['hello', false, '', false]);
    proxy.resume();
    await until(() => c.closed && late.closed, { what: 'both are reset' });
    expect(c.text).toBe('hello');
    await connected();
  });

  it('slows down without changing the order, however the delay changes', async () => {
    const c = await connected();
    const from = performance.now();
    let sent = 'hello';
    for (let i = 0; i < 40; i++) {
      proxy.slow([60, 0, 7][i % 3] as number);
      c.socket.write(`${i} `);
      sent += `${i} `;
      await new Promise((resolve) => setTimeout(resolve, i % 4));
    }
    await until(() => c.text.length === sent.length, { what: 'the last word' });
    expect(c.text).toBe(sent);
    expect(performance.now() - from).toBeGreaterThan(50);
  });

  it('puts its own address into a URL and keeps the rest', () => {
    expect(proxy.through('amqp://guest:guest@localhost:5672//')).toBe(`amqp://guest:guest@127.0.0.1:${proxy.port}//`);
    expect(proxy.through('redis://localhost/3?a=b')).toBe(`redis://127.0.0.1:${proxy.port}/3?a=b`);
  });
});

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { traceSettings } from '../../src/diagnostics/trace.js';
import { Connection, createMemoryTransport, diagnosticsChannels } from '../../src/index.js';
import { consumeRequest, Lab, queueSpec, wire } from '../connection/support/lab.js';
import { settle } from '../connection/support/manual-clock.js';

describe('diagnostics channels', () => {
  it('tell of links and messages', async () => {
    const seen: [string | symbol, unknown][] = [];
    const listener = (event: unknown, name: string | symbol) => void seen.push([name, event]);
    const names = ['connect', 'disconnect', 'revive', 'publish', 'deliver', 'settle'].map((name) => `kombu:${name}`);
    for (const name of names) subscribe(name, listener);
    try {
      const memory = createMemoryTransport();
      const connection = new Connection('memory://u:secret@diagnostics', {
        transport: memory,
        reconnect: { intervalStartMs: 0, intervalStepMs: 0 },
      });
      const channel = connection.channel();
      await channel.declareQueue(queueSpec('q'));
      await channel.consume(consumeRequest('q', 't'), { deliver: (d) => void channel.settle(d, 'ack') });
      await channel.publish({ ...wire('hello'), properties: { messageId: 'm' } }, { exchange: '', routingKey: 'q' });
      await connection.drainEvents({ timeoutMs: 5000 });
      const revived = new Promise((resolve) => connection.once('revived', resolve));
      memory.failLinks();
      await revived;
      await connection.close();
      const connectionId = connection.id;
      const link = { connectionId, transport: 'memory', url: 'memory://u:**@diagnostics' };
      expect(seen).toEqual([
        ['kombu:connect', { ...link, generation: 1 }],
        [
          'kombu:publish',
          {
            connectionId,
            channelId: 1,
            exchange: '',
            routingKey: 'q',
            messageId: 'm',
            contentType: 'text/plain',
            bytes: 5,
          },
        ],
        [
          'kombu:deliver',
          {
            connectionId,
            channelId: 1,
            queue: 'q',
            exchange: '',
            routingKey: 'q',
            consumerTag: 't',
            deliveryTag: expect.anything(),
            redelivered: false,
            messageId: 'm',
          },
        ],
        ['kombu:settle', { connectionId, channelId: 1, queue: 'q', deliveryTag: expect.anything(), outcome: 'ack' }],
        ['kombu:disconnect', { connectionId, generation: 1, error: expect.any(Error) }],
        ['kombu:connect', { ...link, generation: 2 }],
        ['kombu:revive', { connectionId, generation: 2, exchanges: [], queues: ['q'], consumers: ['t'], failed: 0 }],
        ['kombu:disconnect', { connectionId, generation: 2, error: undefined }],
      ]);
    } finally {
      for (const name of names) unsubscribe(name, listener);
    }
  });

  it('build nothing when nobody listens', async () => {
    const lab = new Lab();
    await using connection = new Connection('lab://a', { transport: lab.transport });
    const channel = connection.channel();
    await channel.open();
    const message = wire('x');
    Object.defineProperty(message, 'body', {
      get() {
        throw new Error('looked at');
      },
    });
    lab.link.channels[0] = Object.assign(lab.link.channels[0] as object, { publish: () => undefined }) as never;
    channel.publish(message, { exchange: '', routingKey: 'q' });
    expect(diagnosticsChannels.publish.hasSubscribers).toBe(false);
    const listener = () => {};
    subscribe('kombu:publish', listener);
    try {
      expect(() => channel.publish(message, { exchange: '', routingKey: 'q' })).toThrow('looked at');
    } finally {
      unsubscribe('kombu:publish', listener);
    }
  });
});

describe('the log that the environment asks for', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
    jest.restoreAllMocks();
  });

  async function logged(env: Record<string, string>): Promise<string> {
    Object.assign(process.env, env);
    const lines: string[] = [];
    jest
      .spyOn(console, 'error')
      .mockImplementation((...args: unknown[]) => void lines.push(args.map(String).join(' ')));
    const lab = new Lab();
    const connection = new Connection('lab://u:hunter2@a', { transport: lab.transport });
    const channel = connection.channel();
    await channel.declareQueue(queueSpec('q', { arguments: { 'x-secret': 'hunter2' } }));
    await channel.consume(consumeRequest('q', 't'), { deliver: (d) => void channel.settle(d, 'ack') });
    await channel.publish({ ...wire('hunter2'), headers: { password: 'hunter2' } }, { exchange: '', routingKey: 'q' });
    lab.deliver('t', 'tag-1');
    await channel.get('q');
    lab.cut();
    await settle();
    await connection.close();
    return lines.join('\n');
  }

  it('is empty unless it is asked for', async () => {
    expect(await logged({})).toBe('');
    expect(await logged({ KOMBU_LOG_DEBUG: '0', KOMBU_LOG_CHANNEL: '', KOMBU_LOG_CONNECTION: 'false' })).toBe('');
  });

  it('has the calls of channels, or the events of links, or both, and never a secret', async () => {
    const channel = await logged({ KOMBU_LOG_CHANNEL: '1' });
    for (const line of [
      'channel 1: declareQueue(name: "q")',
      'channel 1: consume(queue: "q", tag: "t")',
      'channel 1: publish("", "q", 7 bytes)',
      'channel 1: settle("tag-1", ack)',
      'channel 1: get("q")',
    ]) {
      expect(channel).toContain(line);
    }
    expect(channel).not.toContain('connected to');
    jest.restoreAllMocks();
    process.env = { ...before };
    const connection = await logged({ KOMBU_LOG_CONNECTION: 'yes' });
    expect(connection).toContain('connected to lab://u:**@a');
    expect(connection).toContain('the link to the broker is gone');
    expect(connection).toContain('connecting again in');
    expect(connection).not.toContain('declareQueue');
    jest.restoreAllMocks();
    process.env = { ...before };
    const both = await logged({ KOMBU_LOG_DEBUG: '1' });
    expect(both).toContain('connected to');
    expect(both).toContain('declareQueue');
    for (const text of [channel, connection, both]) expect(text).not.toContain('hunter2');
  });

  it('is told by three variables', () => {
    expect(traceSettings({})).toEqual({ channel: false, connection: false });
    expect(traceSettings({ KOMBU_LOG_CHANNEL: 'x' })).toEqual({ channel: true, connection: false });
    expect(traceSettings({ KOMBU_LOG_CONNECTION: '1' })).toEqual({ channel: false, connection: true });
    expect(traceSettings({ KOMBU_LOG_DEBUG: 'true' })).toEqual({ channel: true, connection: true });
    expect(traceSettings({ KOMBU_LOG_DEBUG: 'off' })).toEqual({ channel: false, connection: false });
  });
});

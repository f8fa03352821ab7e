import { describe, expect, it } from '@jest/globals';
import { Connection, createTransportRegistry, InvalidOptionError, memory, registerTransport } from '../../src/index.js';
import { Lab } from './support/lab.js';

describe('a transport registry', () => {
  it('finds what was registered, by each scheme, and not what another one has', async () => {
    const lab = new Lab();
    const registry = createTransportRegistry([lab.transport]);
    expect(registry.get('lab+socket')).toBe(lab.transport);
    expect(await registry.load('lab')).toBe(lab.transport);
    await using connection = await new Connection('lab://h', { registry }).connect();
    expect(connection.transport).toEqual({ driverType: 'lab', driverName: 'lab-driver', driverVersion: 'N/A' });
    expect(() => new Connection('lab://h')).toThrow(InvalidOptionError);
    expect(registry.schemes()).toEqual([...registry.schemes()].sort());
  });

  it('knows the transports of this project without loading them', () => {
    const registry = createTransportRegistry();
    for (const scheme of [
      'amqp',
      'amqps',
      'pyamqp',
      'librabbitmq',
      'redis',
      'rediss',
      'redis+socket',
      'sentinel',
      'sqs',
    ]) {
      expect(registry.has(scheme)).toBe(true);
      expect(registry.get(scheme)).toBeUndefined();
    }
    for (const scheme of ['filesystem', 'mongodb', 'mongodb+srv', 'zookeeper', 'etcd', 'consul'])
      expect(registry.has(scheme)).toBe(true);
    expect(registry.has('memory')).toBe(false);
  });

  it('names the nearest scheme for one that nobody has', async () => {
    expect(() => new Connection('rediss+sock://h')).toThrow(/did you mean 'redis\+socket'/);
    expect(() => new Connection('ampq://h')).toThrow(/did you mean 'amqp'/);
    expect(() => new Connection('h', { transport: 'memry' })).toThrow(/did you mean 'memory'/);
    for (const other of ['kafka', 'nats']) {
      expect(() => new Connection(`${other}://h`)).toThrow(
        new RegExp(`no transport '${other}'. There are .*redis.*A transport of your own`),
      );
    }
    await expect(createTransportRegistry().load('kafka')).rejects.toThrow(InvalidOptionError);
  });

  it('refuses what is no transport', () => {
    expect(() => createTransportRegistry().register({} as never)).toThrow(InvalidOptionError);
    expect(() => registerTransport(undefined as never)).toThrow(InvalidOptionError);
  });

  it('has memory by default', () => {
    expect(new Connection('memory://x').capabilities).toBe(memory.capabilities);
  });
});

describe('the transport of a connection', () => {
  it('may be named where the URL has no scheme', async () => {
    await using connection = await new Connection('somewhere', { transport: 'memory' }).connect();
    expect(connection.asUri()).toBe('memory://somewhere');
  });

  it('has to take the scheme of the URL', () => {
    expect(() => new Connection('amqp://h', { transport: memory })).toThrow(
      /does not take amqp:\/\/ URLs, but memory:\/\//,
    );
    expect(() => new Connection('amqp://h', { transport: 'memory' })).toThrow(InvalidOptionError);
  });

  it('is not known before it is loaded', () => {
    const connection = new Connection('consul://h');
    expect(() => connection.capabilities).toThrow(/connect\(\) first/);
    expect(() => connection.supportsExchangeType('direct')).toThrow(/connect\(\) first/);
    expect(() => connection.transport).toThrow(/connect\(\) first/);
    expect(connection.driver).toBeUndefined();
    expect(connection.heartbeatIntervalMs).toBe(0);
  });

  it('tells which exchange types there are', () => {
    const { transport } = new Lab();
    const connection = new Connection('lab://h', { transport });
    expect(connection.supportsExchangeType('direct')).toBe(true);
    expect(connection.supportsExchangeType('topic')).toBe(false);
    const any = { ...transport, capabilities: { ...transport.capabilities, exchangeTypes: 'any' } } as const;
    expect(new Connection('lab://h', { transport: any }).supportsExchangeType('x-random')).toBe(true);
  });
});

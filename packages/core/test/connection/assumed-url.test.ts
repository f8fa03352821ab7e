import { describe, expect, it } from '@jest/globals';
import {
  Connection,
  createTransportRegistry,
  InvalidOptionError,
  type KombuError,
  memory,
  OperationalError,
  type Transport,
} from '../../src/index.js';

/** A broker that nobody can reach. */
function refusing(scheme: string): Transport {
  return {
    ...memory,
    name: scheme,
    schemes: [scheme],
    options: {},
    connect: () => Promise.reject(new OperationalError('CONNECT_REFUSED', 'connect ECONNREFUSED')),
  };
}

async function refusal(url?: string | readonly string[], options = {}): Promise<KombuError> {
  const registry = createTransportRegistry(['amqp', 'other'].map(refusing));
  const connection = new Connection(url, { registry, reconnect: false, ...options });
  try {
    return await connection.connect().then(
      () => Promise.reject(new Error('it was to fail')),
      (error) => error,
    );
  } finally {
    await connection.close();
  }
}

describe('a broker that cannot be reached', () => {
  it('is said to be the default one where no URL was given', async () => {
    const error = await refusal();
    expect(error).toMatchObject({
      code: 'ERR_KOMBU_CONNECT_REFUSED',
      message: 'connect ECONNREFUSED (no URL was given, so this is the default one)',
      retryable: true,
    });
    expect((await refusal(undefined, { hostname: 'h' })).message).toContain('no URL was given');
  });

  it('is said to be taken for amqp where the URL does not name its transport', async () => {
    for (const url of ['localhost:1234', ['a', 'b']]) {
      const { message } = await refusal(url);
      expect(message).toMatch(/connect ECONNREFUSED \(the URL does not begin with its transport, .*amqp:\/\//);
    }
  });

  it('is what the user has named where he has', async () => {
    for (const [url, options] of [
      ['amqp://h', {}],
      ['other://h;h2', {}],
      ['h', { transport: 'other' }],
      [undefined, { transport: 'other' }],
    ] as const) {
      expect((await refusal(url, options)).message).not.toContain('URL');
    }
  });

  it('whose URL is empty is an error at once', () => {
    for (const url of ['', ' ; ', []]) {
      expect(() => new Connection(url)).toThrow(InvalidOptionError);
      expect(() => new Connection(url)).toThrow(/empty/);
    }
  });

  it('is said to be the default one where its transport is not installed', async () => {
    const registry = createTransportRegistry();
    registry.load = () => Promise.reject(new InvalidOptionError('it is not installed'));
    const connection = new Connection(undefined, { registry, reconnect: false });
    await expect(connection.connect()).rejects.toMatchObject({
      code: 'ERR_KOMBU_INVALID_OPTION',
      message: 'it is not installed (no URL was given, so this is the default one)',
    });
    await connection.close();
  });
});

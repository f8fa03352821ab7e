import { describe, expect, it } from '@jest/globals';
import type { BrokerTarget } from '@kombu/core';
import { createClient } from '../src/client.js';

/** What the socket to this host becomes TLS with. */
function tlsOptionsFor(hostname: string): { host?: string; servername?: string } {
  const client = createClient({ hostname, port: 2379, tls: {} } as BrokerTarget, hostname);
  try {
    const { pool } = client as unknown as {
      pool: {
        hosts: readonly {
          channelCredentials: {
            _createSecureConnector(target: object, options: object): { connectionOptions: { servername?: string } };
          };
        }[];
      };
    };
    const path = hostname.includes(':') ? `[${hostname}]:2379` : `${hostname}:2379`;
    const connector = pool.hosts[0]?.channelCredentials._createSecureConnector({ scheme: 'dns', path }, {});
    return connector?.connectionOptions ?? {};
  } finally {
    client.close();
  }
}

describe('TLS', () => {
  it.each(['127.0.0.1', '::1'])('to the address %s has no server name, but the address is what is checked', (host) => {
    const options = tlsOptionsFor(host);
    expect(options.servername).toBeUndefined();
    expect(options.host).toBe(host);
    expect(options).not.toHaveProperty('checkServerIdentity');
    expect(options).not.toHaveProperty('rejectUnauthorized');
  });

  it('to a host has its name', () => {
    expect(tlsOptionsFor('localhost')).toMatchObject({ host: 'localhost', servername: 'localhost' });
  });
});

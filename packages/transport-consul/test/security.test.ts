import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Connection, Queue } from '@kombu/core';
import { connect, fetched } from './support/connect.js';
import { withServer } from './support/server.js';

const ROOT = '0d6c9ae1-8a0b-4a52-9a4e-6d6c1b1d9d11';

await withServer({ token: ROOT }, (server) => {
  const url = `consul://127.0.0.1:${server.port}`;
  const open: Connection[] = [];
  const another = (where: string, transportOptions: object = {}): Connection => {
    const made = connect({ url: where }, { transportOptions });
    open.push(made);
    return made;
  };
  /** A token that may do what the rules say. */
  const tokenFor = async (name: string, rules: string): Promise<string> => {
    await server.call('PUT', 'acl/policy', JSON.stringify({ Name: name, Rules: rules }));
    return (await server.call('PUT', 'acl/token', JSON.stringify({ Policies: [{ Name: name }] }))).SecretID;
  };
  const SESSIONS = 'session_prefix "" { policy = "write" }';

  afterAll(async () => {
    for (const one of open) await one.close();
    await server.close();
  });

  describe('access control', () => {
    it('takes a token that may write the keys below its prefix, and sessions; from the URL or as an option', async () => {
      const token = await tokenFor('own', `key_prefix "kombu" { policy = "write" } ${SESSIONS}`);
      const queue = new Queue('jobs', { exchange: 'work', routingKey: 'k' });
      const byUrl = another(`consul://:${token}@127.0.0.1:${server.port}`);
      const byOption = another(url, { token });
      await byUrl.producer().publish('it', { exchange: 'work', routingKey: 'k', declare: [queue] });
      const message = await fetched(byOption, queue);
      expect(message.payload).toBe('it');
      await message.ack({ confirm: true });
    });

    it('without a token, or with one that nobody knows, is AUTH_FAILED', async () => {
      for (const token of [undefined, '00000000-0000-0000-0000-000000000000']) {
        const connecting = another(url, token === undefined ? {} : { token }).connect({ timeoutMs: 5000 });
        await expect(connecting).rejects.toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED', retryable: false });
      }
    });

    it('that does not let it write is ACCESS_REFUSED for that call, and the connection goes on', async () => {
      const rules = `key_prefix "kombu" { policy = "write" } key_prefix "kombu/private/" { policy = "read" } ${SESSIONS}`;
      const connection = another(url, { token: await tokenFor('some', rules) });
      const refused = connection.producer().publish('it', { routingKey: 'private' });
      await expect(refused).rejects.toMatchObject({ code: 'ERR_KOMBU_ACCESS_REFUSED' });
      await connection.producer().publish('it', { routingKey: 'public' });
      expect(connection.connected).toBe(true);
    });

    it('shows no token', async () => {
      const connection = another(`consul://:${ROOT}@127.0.0.1:${server.port}`);
      await connection.connect();
      const failed = await another(`consul://:${ROOT}@127.0.0.1:1`)
        .connect({ timeoutMs: 200 })
        .catch((error: unknown) => error);
      const refused = await another(url, { token: '00000000-0000-0000-0000-000000000000' })
        .connect({ timeoutMs: 5000 })
        .catch((error: unknown) => inspect(error, { depth: 20, showHidden: true }));
      expect(refused).toContain('403');
      expect(refused).not.toContain('00000000-0000-0000-0000-000000000000');
      const shown = [connection.asUri(), JSON.stringify(connection.info()), String(failed), inspect(connection)];
      for (const text of shown) expect(text).not.toContain(ROOT);
    });

    it('of a datacenter that does not exist is refused when connecting', async () => {
      const connecting = another(url, { token: ROOT, datacenter: 'nowhere' }).connect({ timeoutMs: 3000 });
      await expect(connecting).rejects.toThrow('No path to datacenter');
      const there = another(url, { token: ROOT, datacenter: 'dc1' });
      await there.connect();
      expect(there.connected).toBe(true);
    });
  });
});

await withServer({ tls: true }, (server) => {
  let connection: Connection;

  beforeAll(() => {
    connection = connect(server);
  });
  afterAll(async () => {
    await connection.close();
    await server.close();
  });

  describe('TLS', () => {
    it('publishes and consumes', async () => {
      const queue = new Queue('secret');
      await connection.producer().publish('it', { routingKey: 'secret', declare: [queue] });
      const seen: unknown[] = [];
      for await (const message of connection.consumer({ queues: [queue] })) {
        seen.push(message.payload);
        await message.ack();
        break;
      }
      expect(seen).toEqual(['it']);
    });

    it('does not connect to a server whose certificate it does not trust, nor without TLS', async () => {
      for (const options of [{ tls: true }, {}]) {
        const stranger = connect({ url: `consul://localhost:${server.port}` }, options);
        await expect(stranger.connect({ timeoutMs: 3000 })).rejects.toMatchObject({ name: 'OperationalError' });
        await stranger.close();
      }
    });
  });
});

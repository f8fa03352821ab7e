import { describe, expect, it } from '@jest/globals';
import { isUnavailable, startZookeeper, until } from '../src/index.js';

const found = await startZookeeper();

describe('startZookeeper', () => {
  if (isUnavailable(found)) {
    it.skip(`skipped: ${found.unavailable}`, () => {});
    return;
  }
  it('starts a server that answers, keeps it over a restart, and ends it', async () => {
    await using server = found;
    expect(server.url).toBe(`zookeeper://127.0.0.1:${server.port}`);
    expect(server.version).toMatch(/^3\.\d+/);
    expect(await server.fourLetters('ruok')).toContain('imok');
    if (server.origin === 'env') return;
    const { pid } = server;
    await server.restart?.();
    expect(server.pid).not.toBe(pid);
    expect(await server.fourLetters('srvr')).toContain('Mode: standalone');
    await server.kill?.();
    await expect(server.fourLetters('ruok')).rejects.toThrow(/ECONNREFUSED/);
    await server.start?.();
    await until(async () => (await server.fourLetters('ruok')) === 'imok', { what: 'it answers again' });
  });
});

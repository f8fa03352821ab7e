import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from '@jest/globals';
import { crash, createEnvironment, readScale, runGroup } from '@kombu/conformance';
import { Connection } from '@kombu/core';
import { spool } from '../src/spool-transport/spool.js';

describe('the crash group', () => {
  it('catches a transport that deletes what it hands out', async () => {
    const control = createEnvironment(
      {
        name: 'lossy spool',
        open: (broker, options) => new Connection(broker.url, { ...options, transport: spool }),
        broker: {
          start: async () => ({ url: `spool://${await mkdtemp(path.join(tmpdir(), 'lossy-'))}` }),
          stop: (broker) => rm(broker.url.slice('spool://'.length), { recursive: true }),
        },
        child: { module: path.resolve(import.meta.dirname, 'lossy-spool.js') },
        waitMs: 3000,
        leaseMs: 500,
      },
      { ...readScale({}), kills: 3 },
    );
    await control.start();
    try {
      const results = await runGroup(crash, control.environment);
      const failed = results.filter((result) => result.outcome === 'failed').map((result) => result.name);
      assert.ok(
        failed.some((name) => /10 unsettled messages/.test(name)),
        failed.join('; '),
      );
      assert.ok(
        failed.some((name) => /random moments/.test(name)),
        failed.join('; '),
      );
    } finally {
      await control.stop();
    }
  }, 60_000);
});

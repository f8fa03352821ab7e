import assert from 'node:assert/strict';
import { describe, it } from '@jest/globals';
import { Connection, type Transport } from '@kombu/core';
import { defineVirtualTransport } from '@kombu/core/virtual';
import { type CaseResult, createEnvironment, type Group, readScale, runGroup } from '../src/index.js';
import { memorySpec } from './saboteurs/memory-spec.js';
import { promising } from './saboteurs/promising.js';
import { routing } from './saboteurs/routing.js';
import type { Saboteur } from './saboteurs/saboteur.js';
import { storing } from './saboteurs/storing.js';
import { taking } from './saboteurs/taking.js';

const saboteurs: readonly Saboteur[] = [...storing, ...taking, ...routing, ...promising];

async function run(group: Group, transport: Transport, waitMs: number): Promise<CaseResult[]> {
  const control = createEnvironment(
    {
      name: transport.name,
      open: (_, options) => new Connection('memory://', { ...options, transport }),
      broker: { start: async () => ({ url: 'memory://' }), stop: async () => {} },
      waitMs,
      leaseMs: 300,
    },
    { ...readScale({}), cycles: 10 },
  );
  await control.start();
  const results = await runGroup(group, control.environment);
  await control.stop();
  return results;
}

describe('the suite catches a transport that', () => {
  for (const { name, group, caughtBy, transport } of saboteurs) {
    it(`${name}: by ${group.name}`, async () => {
      const results = await run(group, transport(), 400);
      const failed = results.filter((result) => result.outcome === 'failed').map((result) => result.name);
      assert.ok(
        failed.some((test) => caughtBy.test(test)),
        `failed were: ${failed.join('; ') || 'none'}`,
      );
    }, 60_000);
  }
});

describe('the suite passes the transport that nobody has touched:', () => {
  for (const group of new Set<Group>(saboteurs.map((saboteur) => saboteur.group))) {
    it(group.name, async () => {
      const results = await run(group, defineVirtualTransport(memorySpec()), 10_000);
      assert.deepEqual(
        results.filter((result) => result.outcome !== 'passed'),
        [],
      );
    }, 120_000);
  }
});

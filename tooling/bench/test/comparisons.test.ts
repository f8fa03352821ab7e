import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { SCENARIOS } from '../runners/scenarios.js';
import { loadBenches } from '../src/comparisons/index.js';
import { FIGURES } from '../src/figures.js';
import { libraryVersions } from '../src/machine.js';
import { targetsPage } from '../src/targets.js';

const FOLDER = path.resolve(import.meta.dirname, '..');
const benches = await loadBenches();
const all = benches.flatMap(({ transport, comparisons }) =>
  comparisons.map((comparison) => ({ transport, ...comparison })),
);

describe('the comparisons', () => {
  it('are there for memory, redis, amqp and filesystem, each transport once', () => {
    const names = benches.map(({ transport }) => transport);
    expect(names).toEqual(expect.arrayContaining(['memory', 'redis', 'amqp', 'filesystem']));
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(benches.map(({ transport, comparisons }) => [transport, comparisons] as const))(
    'of %s each have a name of their own',
    (_, comparisons) => {
      const names = comparisons.map(({ what }) => what);
      expect(new Set(names).size).toBe(names.length);
    },
  );

  it.each(all.map((comparison) => [`${comparison.transport}: ${comparison.what}`, comparison] as const))(
    '%s is well-formed',
    (_, { what, figure = 'rate', settings, subject, references, atLeast, atMost }) => {
      expect(what).not.toMatch(/[|\n]/);
      expect(Object.keys(FIGURES)).toContain(figure);
      if (settings.scenario !== undefined) expect(Object.keys(SCENARIOS)).toContain(settings.scenario);
      const participants = [subject, ...references];
      expect(new Set(participants.map(({ name }) => name)).size).toBe(participants.length);
      for (const { name, runner } of participants) {
        expect(name).not.toMatch(/[|\n]/);
        expect(existsSync(path.join(FOLDER, 'runners', runner))).toBe(true);
      }
      for (const target of [{ atLeast, atMost }, ...references].flatMap((one) => [one.atLeast, one.atMost])) {
        if (target !== undefined) expect(target).toBeGreaterThan(0);
      }
    },
  );

  it('name libraries whose versions are pinned here', () => {
    for (const { libraries = [] } of benches) {
      for (const version of Object.values(libraryVersions(libraries))) expect(version).toMatch(/^\d/);
    }
  });

  it('hold the targets of the issues, and never a lower one', () => {
    const target = (transport: string, what: string, reference: string) =>
      all
        .find((one) => one.transport === transport && one.what === what)
        ?.references.find(({ name }) => name.startsWith(reference));
    expect(target('memory', 'publish + consume + ack', 'bare')?.atLeast).toBeGreaterThanOrEqual(0.4);
    expect(target('redis', 'publish', 'ioredis')?.atLeast).toBeGreaterThanOrEqual(1.3);
    expect(target('redis', 'publish', 'BullMQ')?.atLeast).toBeGreaterThanOrEqual(4);
    expect(target('redis', 'consume + ack', 'ioredis')?.atLeast).toBeGreaterThanOrEqual(0.7);
    expect(target('redis', 'consume + ack', 'BullMQ')?.atLeast).toBeGreaterThanOrEqual(3);
    expect(target('redis', 'latency, idle', 'ioredis')?.atMost).toBeLessThanOrEqual(3.5);
    expect(target('amqp', 'publish, confirmed', 'amqplib')?.atLeast).toBeGreaterThanOrEqual(0.9);
    expect(target('amqp', 'consume + ack', 'rabbitmq-client')?.atLeast).toBeGreaterThanOrEqual(1);
    expect(target('filesystem', 'publish', 'Python')?.atLeast).toBeGreaterThanOrEqual(1.5);
  });

  it('are what TARGETS.md says (node tooling/bench/src/main.js --targets)', () => {
    expect(readFileSync(path.join(FOLDER, 'TARGETS.md'), 'utf8')).toBe(targetsPage(benches));
  });
});

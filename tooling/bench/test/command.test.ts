import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { microFiles, runMicro } from '../src/micro.js';
import { readOptions } from '../src/options.js';

const MAIN = path.resolve(import.meta.dirname, '../src/main.js');

async function bench(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise<number>((resolve) => child.on('close', resolve));
  return { code, output };
}

describe('npm run bench', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kombu-bench-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('measures a transport that needs no broker, shows progress, and writes JSON and a chart', async () => {
    const { code, output } = await bench('memory', '--quick', '--out', folder);
    expect(output).toContain('memory: publish + consume + ack: round 1 of 1: @kombu/core [0/1]');
    expect(output).toMatch(/bare JSON \+ Buffer loop .* messages\/s/);
    expect(output).toMatch(/ratio \d+\.\d\d .*, target >= 0\.4: (met|MISSED)/);
    expect(code).toBe(0);
    const results = JSON.parse(readFileSync(path.join(folder, 'memory.json'), 'utf8'));
    expect(results).toMatchObject({ name: 'memory', quick: true, pairs: 1, machine: { node: process.version } });
    expect(results.rows[0].subject.figures.rate.median).toBeGreaterThan(0);
    expect(results.rows[0].references[0].ratio.median).toBeGreaterThan(0);
    expect(readFileSync(path.join(folder, 'memory.svg'), 'utf8')).toContain('bare JSON');
  });

  it('says what it knows when it is asked for something else', async () => {
    const { code, output } = await bench('kafka');
    expect(code).toBe(2);
    expect(output).toContain("there is no benchmark of 'kafka'; known: memory, redis, amqp");
    expect((await bench('--help')).output).toContain('--broker URL');
  });
});

describe('the options', () => {
  it('are everything by default', () => {
    expect(readOptions([], ['a', 'b'])).toMatchObject({
      names: ['a', 'b'],
      pairs: 5,
      quick: false,
      out: 'bench-results',
    });
  });

  it('refuse what makes no sense', () => {
    expect(() => readOptions(['--pairs', '0'], ['a'])).toThrow("--pairs takes a number of at least 1, not '0'");
    expect(() => readOptions(['--broker', 'x://'], ['a', 'b'])).toThrow('--broker is for one transport');
    expect(() => readOptions(['--nothing'], ['a'])).toThrow('--nothing');
  });
});

describe('a micro benchmark', () => {
  it('tells the time, the bytes and the allocations of each case', async () => {
    const rows = await runMicro('credit.js', { rounds: 2, ms: 1 });
    expect(rows).toHaveLength(1);
    const { figures } = rows[0]?.subject ?? {};
    expect(figures?.nanos.median).toBeGreaterThan(0);
    expect(figures?.allocations.median).toBeLessThan(1);
  });

  it('counts allocations as they are', async () => {
    const [encode] = await runMicro('../test/fixtures/allocating.js', { rounds: 1, ms: 1 });
    const [none, one, buffer] = [encode?.subject, ...(encode?.references ?? [])];
    expect(none?.figures.allocations.median).toBeLessThan(0.2);
    expect(one?.figures.allocations.median).toBeCloseTo(1, 0);
    expect(buffer?.figures.bytes.median).toBeGreaterThan(9_000);
  });

  it('has files for routing, the envelope, the codecs and credit', () => {
    const wanted = ['compressions.js', 'credit.js', 'envelope.js', 'router.js', 'serializers.js', 'topics.js'];
    expect(microFiles()).toEqual(expect.arrayContaining(wanted));
  });
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { describe, it } from '@jest/globals';
import { Connection, createMemoryTransport, type Transport } from '@kombu/core';
import {
  allGroups,
  coreGroups,
  createEnvironment,
  describeTransport,
  get,
  group,
  honesty,
  priority,
  type ReportEntry,
  type Runner,
  readScale,
  reconnect,
  runGroup,
  testCase,
} from '../src/index.js';

/** A runner that remembers what was registered. */
function recorder(): { readonly runner: Runner; readonly names: string[]; readonly skipped: string[] } {
  const [names, skipped, path]: string[][] = [[], [], []];
  const at = (name: string): string => [...(path ?? []), name].join(' > ');
  const it = (name: string): void => void names?.push(at(name));
  const runner: Runner = {
    describe(name, body) {
      path?.push(name);
      body();
      path?.pop();
    },
    it: Object.assign(it, { skip: (name: string) => void skipped?.push(at(name)) }),
    beforeAll() {},
    afterAll() {},
  };
  return { runner, names: names ?? [], skipped: skipped ?? [] };
}

const broker = { start: async () => ({ url: 'memory://' }), stop: async () => {} };

/** A transport whose capabilities are changed, and nothing else. */
function declaring(capabilities: Partial<Transport['capabilities']>): Transport {
  const memory = createMemoryTransport();
  return { ...memory, capabilities: { ...memory.capabilities, ...capabilities } };
}

describe('describeTransport', () => {
  it('registers every case of every group under a name of its own', () => {
    const { runner, names, skipped } = recorder();
    describeTransport({ name: 'x', runner, open: () => new Connection('memory://'), broker });
    const cases = allGroups.flatMap((g) => g.cases);
    assert.equal(names.length + skipped.length, cases.length);
    assert.equal(new Set([...names, ...skipped]).size, cases.length);
  });

  it('registers what it cannot run as skipped, with the reason', () => {
    const { runner, skipped } = recorder();
    describeTransport({ name: 'x', runner, open: () => new Connection('memory://'), broker, groups: [reconnect] });
    assert.equal(skipped.length, reconnect.cases.length);
    for (const name of skipped) assert.match(name, / > skipped: no broker\.(restart|killConnections|through) hook$/);
  });

  it('registers the core groups again for a variant, and leaves out those that run alone', () => {
    const { runner, names } = recorder();
    const variants = [
      { name: 'twice', producer: { compression: 'zlib' } },
      { name: 'alone', groups: [reconnect, get] },
    ];
    describeTransport({ name: 'x', runner, open: () => new Connection('memory://'), broker, groups: [get], variants });
    const of = (part: string): number => names.filter((name) => name.includes(` > ${part} > `)).length;
    assert.equal(of('twice'), coreGroups.flatMap((g) => g.cases).length);
    assert.equal(of('alone'), get.cases.length);
  });

  it('runs under node:test, which needs no expect', async () => {
    const file = path.join(import.meta.dirname, 'runner/node-test.js');
    const env = { ...process.env, NODE_OPTIONS: '' };
    const out = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, ['--test-reporter=tap', file], { env }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${stdout}\n${stderr}`, { cause: error }));
      });
    });
    const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(out)?.[1]);
    assert.equal(count('pass'), get.cases.length + honesty.cases.length);
    assert.deepEqual([count('fail'), count('skipped')], [0, 3]);
    assert.match(out, /skipped: no child hook # SKIP/);
  }, 60_000);
});

describe('a case that failed', () => {
  it('has in its message what the broker says before anything is cleaned up', async () => {
    const deleted: string[] = [];
    const told = { ...broker, diagnose: async () => `three are ready; deleted: ${deleted}` };
    const control = createEnvironment({ name: 'x', open: () => new Connection('memory://'), broker: told });
    const failing = testCase('fails', async (t) => {
      t.defer(async () => void deleted.push('q'));
      throw new Error('one is missing');
    });
    await control.start();
    const [result] = await runGroup(group('g', [failing]), control.environment);
    await control.stop();
    assert.match(String(result?.error), /one is missing\nthree are ready; deleted: \n/);
    assert.deepEqual(deleted, ['q']);
  });

  it('says so when the broker cannot say anything', async () => {
    const silent = { ...broker, diagnose: () => Promise.reject(new Error('it is gone')) };
    const control = createEnvironment({ name: 'x', open: () => new Connection('memory://'), broker: silent });
    const failing = testCase('fails', () => Promise.reject(new Error('one is missing')));
    await control.start();
    const [result] = await runGroup(group('g', [failing]), control.environment);
    await control.stop();
    assert.match(String(result?.error), /one is missing\nno diagnosis: Error: it is gone/);
  });
});

describe('what is not declared', () => {
  it('is reported when it works all the same', async () => {
    const transport = declaring({ mandatory: false });
    const entries: ReportEntry[] = [];
    const control = createEnvironment({
      name: 'modest',
      open: () => new Connection('memory://', { transport }),
      broker,
    });
    await control.start();
    const results = await runGroup(honesty, control.environment);
    await control.stop();
    control.environment.report.flush((entry) => entries.push(entry));
    assert.deepEqual(
      results.filter((result) => result.outcome === 'failed'),
      [],
    );
    const [entry] = entries.filter(({ kind }) => kind === 'undeclared');
    assert.deepEqual([entry?.transport, entry?.test], ['modest', 'mandatory']);
  });

  it('turns its cases into one look at whether it is refused', async () => {
    const transport = declaring({ priorities: 0 });
    let opened = 0;
    const open = (): Connection => {
      opened += 1;
      return new Connection('memory://', { transport });
    };
    const control = createEnvironment({ name: 'plain', open, broker });
    await control.start();
    const results = await runGroup(priority, control.environment);
    await control.stop();
    assert.ok(results.every((result) => result.outcome === 'passed'));
    assert.equal(control.environment.probes.size, 1);
    assert.ok(opened > 0);
    assert.ok(control.environment.report.entries.length > 0);
  });
});

describe('readScale', () => {
  it('kills 25 processes for a quick run and 200 for a full one', () => {
    assert.equal(readScale({}).kills, 25);
    assert.equal(readScale({ KOMBU_TEST_SCALE: '0.2' }).kills, 25);
    assert.equal(readScale({ KOMBU_TEST_SCALE: '1' }).kills, 200);
    assert.equal(readScale({ KOMBU_TEST_SCALE: '2' }).kills, 400);
    assert.equal(readScale({ KOMBU_TEST_SCALE: '0' }).kills, 1);
  });

  it('refuses what is not a number', () => {
    assert.throws(() => readScale({ KOMBU_TEST_SEED: 'abc' }), /KOMBU_TEST_SEED has to be a number, not "abc"/);
  });

  it('repeats the random moments of a seed', () => {
    assert.equal(readScale({ KOMBU_TEST_SEED: '42' }).seed, 42);
  });
});

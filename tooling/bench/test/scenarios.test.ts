import { describe, expect, it } from '@jest/globals';
import { SCENARIOS } from '../runners/scenarios.js';
import { queueAdapter } from './fixtures/queue-adapter.js';

type Name = keyof typeof SCENARIOS;

const SETTINGS = {
  messages: 50,
  warmUp: 0,
  inFlight: 8,
  backlog: 20,
  queues: 20,
  settleMs: 1,
  idleMs: 1,
  silenceMs: 200,
  restMs: 200,
};

const scenario = (name: Name, fault?: string) => SCENARIOS[name](queueAdapter(fault), SETTINGS);

describe('a scenario', () => {
  it.each(Object.keys(SCENARIOS) as Name[])('%s gives its figures where nothing is wrong', async (name) => {
    const figures: Record<string, number> = await scenario(name);
    const wanted = {
      publish: ['seconds', 'clientCpu', 'calls'],
      consume: ['seconds', 'clientCpu', 'calls'],
      backlog: ['seconds'],
      latency: ['p50', 'p99'],
      memory: ['memoryGrowth', 'seconds'],
      idle: ['idleCpu'],
    };
    for (const figure of wanted[name]) expect(figures[figure]).toBeGreaterThanOrEqual(0);
    expect(figures.messages ?? 50).toBe(name === 'backlog' ? 60 : 50);
  });

  it('counts the calls of a run per 1,000 messages, those of its warm-up left out', async () => {
    const figures = await SCENARIOS.publish(queueAdapter(), { ...SETTINGS, warmUp: 30 });
    expect(figures).toMatchObject({ calls: 1000 });
  });

  it.each([
    ['publish', 'lose-published', 'stored: 49 messages instead of 50'],
    ['publish', 'double-published', 'stored: 51 messages instead of 50'],
    ['consume', 'lose-published', 'stored: 49 messages instead of 50'],
    ['consume', 'double-published', 'stored: 51 messages instead of 50'],
    ['consume', 'lose-delivered', '1 of 50 messages are missing'],
    ['consume', 'double-delivered', '1 of 50 messages came twice'],
    ['consume', 'late-double', '1 of 50 messages came twice'],
    ['consume', 'unsettled', 'stored: 1 messages instead of 0'],
    ['consume', 'foreign', '1 messages came that were not sent'],
    ['consume', 'swapped', '1 of 50 messages are missing'],
    ['backlog', 'lose-delivered', '1 of 20 messages are missing'],
    ['backlog', 'double-delivered', '1 of 20 messages came twice'],
    ['backlog', 'unsettled', 'stored: 1 messages instead of 0'],
    ['memory', 'lose-delivered', '1 of 50 messages are missing'],
    ['memory', 'double-published', '1 of 50 messages came twice'],
    ['memory', 'double-delivered', '1 of 50 messages came twice'],
    ['memory', 'unsettled', 'stored: 1 messages instead of 0'],
    ['idle', 'lose-delivered', '1 of 20 messages are missing'],
    ['latency', 'double-published', 'came'],
    ['latency', 'double-delivered', 'came twice'],
    ['latency', 'lose-delivered', 'no message came'],
    ['latency', 'swapped', 'message 8 came in place of 7'],
    ['latency', 'unsettled', 'messages instead of 0'],
  ] as const)('%s fails when its runner does this: %s', async (name, fault, message) => {
    // The warm-up is left out, so that the fault is met where it is measured.
    const run = SCENARIOS[name](queueAdapter(fault), { ...SETTINGS, warmUp: 0 });
    await expect(run).rejects.toThrow(message);
  });
});

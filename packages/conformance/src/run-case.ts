import { randomUUID } from 'node:crypto';
import type { Case, Group } from './case.js';
import { whySkipped } from './case.js';
import { CaseContext } from './context.js';
import type { Environment } from './environment.js';
import { type Feature, type Probe, probe } from './feature.js';
import { within } from './wait.js';

/** How one case ended. */
export interface CaseResult {
  readonly group: string;
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed. */
  readonly error?: unknown;
  /** Why it was skipped. */
  readonly reason?: string;
}

/** The deadline of a case, in milliseconds. */
export function deadlineOf(c: Case, environment: Environment): number {
  return c.waits * environment.waitMs + c.extraMs;
}

/** Finds out, once for a run, what comes of using a feature; see {@link probe}. */
export function probeOnce(feature: Feature, t: CaseContext): Promise<Probe> {
  const { probes } = t.environment;
  let found = probes.get(feature.name);
  if (found === undefined) {
    found = probe(feature, t);
    probes.set(feature.name, found);
  }
  return found;
}

/** What a broker may take to say how it is, in milliseconds. */
const DIAGNOSE_MS = 30_000;

/** How much longer than its deadline a case may take, in milliseconds: for cleaning up, and for {@link diagnosis}. */
export function afterDeadline({ hooks, waitMs }: Environment): number {
  return waitMs + (hooks.diagnose === undefined ? 0 : DIAGNOSE_MS);
}

/** How the broker is when a case has failed, before anything is cleaned up; empty without the hook. */
async function diagnosis({ hooks, broker }: Environment): Promise<string> {
  if (hooks.diagnose === undefined) return '';
  try {
    return `\n${await within(hooks.diagnose(broker()), DIAGNOSE_MS, 'diagnose')}\n`;
  } catch (error) {
    return `\nno diagnosis: ${String(error)}\n`;
  }
}

async function runBody(c: Case, test: string, t: CaseContext): Promise<void> {
  if (c.features.length > 0) {
    const capabilities = await t.capabilities();
    const undeclared = c.features.filter((feature) => !feature.declared(capabilities));
    for (const feature of undeclared) {
      if ((await probeOnce(feature, t)) === 'refused') t.note('not-declared', test, `${feature.name} is refused`);
      else t.note('undeclared', feature.name, 'it works, but is not declared');
    }
    if (undeclared.length > 0) return;
  }
  await c.run(t);
}

/** Runs one case, with everything it made cleaned up afterwards; rejects when it failed. */
export async function runCase(g: Group, c: Case, environment: Environment): Promise<void> {
  const test = `${g.name}: ${c.name}`;
  const t = new CaseContext(environment, test, randomUUID().slice(0, 8));
  const deadline = deadlineOf(c, environment);
  const failures: unknown[] = [];
  let state = '';
  try {
    await within(runBody(c, test, t), deadline, 'the whole case');
  } catch (error) {
    failures.push(error);
    state = await diagnosis(environment);
  }
  try {
    await t.cleanUp();
  } catch (error) {
    failures.push(error);
  }
  if (failures.length === 0) return;
  const text = failures.map((error) => (error instanceof Error ? error.message : String(error))).join('; ');
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
  throw new Error(`${text}${state} [seed ${environment.scale.seed}]`, { cause });
}

/** Runs the cases of a group one after the other and tells how each ended. It needs no test runner. */
export async function runGroup(g: Group, environment: Environment): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const c of g.cases) {
    const reason = whySkipped(c, environment.hooks, environment.child);
    if (reason !== undefined) {
      results.push({ group: g.name, name: c.name, outcome: 'skipped', reason });
      continue;
    }
    try {
      await runCase(g, c, environment);
      results.push({ group: g.name, name: c.name, outcome: 'passed' });
    } catch (error) {
      results.push({ group: g.name, name: c.name, outcome: 'failed', error });
    }
  }
  return results;
}

import type { Group } from './case.js';
import { whySkipped } from './case.js';
import { createEnvironment, type Environment, type EnvironmentControl } from './environment.js';
import type { BrokerHandle } from './hooks.js';
import type { Runner, TransportUnderTest, Variant } from './options.js';
import { afterDeadline, deadlineOf, runCase, runGroup } from './run-case.js';
import { allGroups, coreGroups } from './suite.js';

/** A runner's own limit lies above the deadline of a case, so that the case can say what it waited for. */
const GRACE_MS = 15_000;
const BROKER_MS = 120_000;

function register(runner: Runner, groups: readonly Group[], environment: Environment): void {
  for (const g of groups) {
    runner.describe(g.name, () => {
      for (const c of g.cases) {
        const reason = whySkipped(c, environment.hooks, environment.child);
        if (reason === undefined) {
          const limit = deadlineOf(c, environment) + afterDeadline(environment) + GRACE_MS;
          runner.it(c.name, () => runCase(g, c, environment), limit);
        } else {
          const test = `${g.name}: ${c.name}`;
          environment.report.add({ kind: 'skipped', transport: environment.transport, test, text: reason });
          runner.describe(c.name, () => {
            runner.it.skip(`skipped: ${reason}`, async () => {});
          });
        }
      }
    });
  }
}

async function stress(groups: readonly Group[], environment: Environment, times: number): Promise<void> {
  const runs = Array.from({ length: times }, async () => {
    const results = [];
    for (const g of groups) results.push(...(await runGroup(g, environment)));
    return results.filter((result) => result.outcome === 'failed');
  });
  const failed = (await Promise.all(runs)).flat();
  if (failed.length === 0) return;
  const lines = failed.map((f) => `${f.group}: ${f.name}: ${String(f.error)}`);
  throw new AggregateError(
    failed.map((f) => f.error),
    `${failed.length} cases failed under stress:\n${lines.join('\n')}`,
  );
}

function registerVariant(runner: Runner, variant: Variant, control: EnvironmentControl): void {
  runner.describe(variant.name, () => {
    const groups = (variant.groups ?? coreGroups).filter((g) => !g.alone);
    register(runner, groups, control.variant(variant));
  });
}

/**
 * Registers the whole suite for a transport with the given test runner: every group, then the variants, then, where
 * `KOMBU_TEST_STRESS` asks for it, everything several times at once.
 *
 * What the transport can do is read from `connection.capabilities`: what is declared has to work, what is not has to be
 * refused with NotSupportedError, and what works undeclared is reported. Cases that need a hook that is not given are
 * registered as skipped, in a test that is named `skipped: ` and the reason.
 */
export function describeTransport<B extends BrokerHandle>(o: TransportUnderTest<B>): void {
  const { runner } = o;
  const control = createEnvironment(o);
  const { environment } = control;
  const groups = o.groups ?? allGroups;
  runner.describe(`conformance: ${o.name}`, () => {
    runner.beforeAll(() => control.start(), BROKER_MS);
    runner.afterAll(async () => {
      await control.stop();
      environment.report.flush(o.report?.bind(o));
    }, BROKER_MS);
    register(runner, groups, environment);
    for (const variant of o.variants ?? []) registerVariant(runner, variant as unknown as Variant, control);
    const times = environment.scale.stress;
    if (times === 0) return;
    const shared = groups.filter((g) => !g.alone);
    const limit = shared.flatMap((g) => g.cases).reduce((sum, c) => sum + deadlineOf(c, environment), BROKER_MS);
    runner.it(`stress: the suite ${times} times at once`, () => stress(shared, environment, times), limit);
  });
}

/** Registers one group alone; otherwise as {@link describeTransport}. */
export function describeGroup<B extends BrokerHandle>(g: Group, o: TransportUnderTest<B>): void {
  describeTransport({ ...o, groups: [g], variants: [] });
}

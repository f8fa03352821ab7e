import type { CaseContext } from './context.js';
import type { Feature } from './feature.js';
import type { BrokerHooks, ChildHook, Need } from './hooks.js';

/** What a case is made with beside its name and body. */
export interface CaseOptions {
  /** Hooks that it cannot do without: where one is absent, the case is reported as skipped. */
  readonly needs?: readonly Need[];
  /**
   * Capabilities that it is about. Where one is not declared, the case shows instead that using it is refused, and the report
   * says so.
   */
  readonly features?: readonly Feature[];
  /** How many conditions it waits for in a row: its deadline is so many times `waitMs`. Default 6. */
  readonly waits?: number;
  /** A deadline of its own, in milliseconds, on top of `waits`: for what has to pass by the clock, or repeats. */
  readonly extraMs?: number;
}

/** One test of the suite. */
export interface Case {
  readonly name: string;
  readonly needs: readonly Need[];
  readonly features: readonly Feature[];
  readonly waits: number;
  readonly extraMs: number;
  run(t: CaseContext): Promise<void>;
}

/** Cases that belong together. One group is run alone with {@link describeGroup}. */
export interface Group {
  readonly name: string;
  readonly cases: readonly Case[];
  /** Its cases disturb whoever else uses the broker or this process: it stays out of variants and of the stress run. */
  readonly alone: boolean;
}

/** Makes a case. */
export function testCase(name: string, run: (t: CaseContext) => Promise<void>, o: CaseOptions = {}): Case {
  return {
    name,
    needs: o.needs ?? [],
    features: o.features ?? [],
    waits: o.waits ?? 6,
    extraMs: o.extraMs ?? 0,
    run,
  };
}

/** Makes a group. */
export function group(name: string, cases: readonly Case[], o: { readonly alone?: boolean } = {}): Group {
  const names = new Set(cases.map((c) => c.name));
  if (names.size !== cases.length) throw new TypeError(`group ${name} has two cases of one name`);
  return { name, cases, alone: o.alone ?? false };
}

/** Why a case cannot run with these hooks; undefined: it can. */
export function whySkipped(c: Case, hooks: BrokerHooks, child: ChildHook | undefined): string | undefined {
  const absent = c.needs.filter((need) => (need === 'child' ? child === undefined : hooks[need] === undefined));
  if (absent.length === 0) return undefined;
  return `no ${absent.map((need) => (need === 'child' ? 'child' : `broker.${need}`)).join(' and no ')} hook`;
}
